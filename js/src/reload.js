/**
 * Gets the page's own HTML again, when the server cannot tell what a reader missed.
 *
 * @template {{ cursor: string }} Copy
 * @typedef {object} Reload
 * @property {import('./transports.js').Environment} env
 * @property {(signal: AbortSignal) => Promise<Copy | undefined>} fetchPage a fresh copy of the page
 * @property {(page: Copy) => void} swap
 * @property {number} [reloaded] when the page itself began with a reload: it counts as one
 */
import { isKnown } from './cursor.js';
import { disarm, parse } from './sanitise.js';

/** Milliseconds over which readers spread: all of a page are told to reload at once. */
const SPREAD = 10_000;
const AGAIN = 60_000;
/** Milliseconds that a copy may take. */
const DEADLINE = 30_000;
/** Milliseconds after which the next reload is no longer a repetition. */
const CALM = 300_000;
/** Repetitions after which the wait grows no more. */
const MOST = 6;

/**
 * @template {{ cursor: string }} Copy
 * @param {Reload<Copy>} parts
 * @returns {{ ask: (from: string) => void, stop: () => void, pending: () => boolean }} `from`: the cursor that the server could not continue from
 */
export const reloader = ({ env, fetchPage, swap, reloaded }) => {
  /** @type {any} */
  let timer;
  /** Of the run that is under way. @type {AbortController | undefined} */
  let run;
  let last = reloaded ?? -CALM;
  let repetitions = reloaded ? MOST : 0;
  const stop = () => {
    run?.abort();
    run = undefined;
    env.clearTimeout(timer);
  };
  /** @param {string} from @param {number} delay */
  const plan = (from, delay) => {
    stop();
    const { signal } = (run = new AbortController());
    const again = () => plan(from, AGAIN + env.random() * SPREAD);
    timer = env.setTimeout(async () => {
      timer = env.setTimeout(again, DEADLINE);
      const page = await fetchPage(signal).catch(() => undefined);
      if (signal.aborted) return;
      // A copy out of a cache knows no more than the page did; a page without cursors cannot be told from one.
      if (!page || (page.cursor && isKnown(page.cursor, from))) return again();
      stop();
      swap(page);
    }, delay);
  };
  return {
    stop,
    pending: () => run !== undefined,
    ask: (from) => {
      // A server that answers every fresh copy with another reload must not be asked ever faster.
      repetitions = env.now() - last < CALM ? Math.min(MOST, repetitions + 1) : 0;
      last = env.now();
      plan(from, env.random() * SPREAD * 2 ** repetitions);
    },
  };
};

/**
 * This page's HTML as the site has it now, inert.
 * @param {import('./transports.js').Environment} env
 * @param {AbortSignal} signal
 */
export const fetchCopy = async (env, signal) => {
  const answer = await env.fetch(location.href, { cache: 'no-cache', signal });
  return answer.ok ? parse(disarm(await answer.text())) : undefined;
};
