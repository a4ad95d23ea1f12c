/**
 * Gets the page's own HTML again, when the server cannot tell what a reader missed.
 *
 * @typedef {object} Reload
 * @property {import('./transports.js').Environment} env
 * @property {() => Promise<{ cursor: string, container: Element } | undefined>} fetchPage a fresh copy of the page
 * @property {(page: { cursor: string, container: Element }) => void} swap
 */
import { isKnown } from './cursor.js';

/** Milliseconds over which readers spread: all of a page are told to reload at once. */
const SPREAD = 10_000;
const AGAIN = 60_000;
/** Milliseconds after which the next reload is no longer a repetition. */
const CALM = 300_000;

/**
 * @param {Reload} parts
 * @returns {{ ask: (from: string) => void, stop: () => void }} `from`: the cursor that the server could not continue from
 */
export const reloader = ({ env, fetchPage, swap }) => {
  /** @type {any} */
  let timer;
  let last = -CALM;
  let repetitions = 0;
  let run = 0;
  const stop = () => {
    run++;
    env.clearTimeout(timer);
  };
  /** @param {string} from @param {number} delay */
  const plan = (from, delay) => {
    stop();
    const mine = run;
    timer = env.setTimeout(async () => {
      const page = await fetchPage().catch(() => undefined);
      if (mine !== run) return;
      // A copy out of a cache knows no more than the page did; a page without cursors cannot be told from one.
      if (page && !(page.cursor && isKnown(page.cursor, from))) swap(page);
      else plan(from, AGAIN + env.random() * SPREAD);
    }, delay);
  };
  return {
    stop,
    ask: (from) => {
      // A server that answers every fresh copy with another reload must not be asked ever faster.
      repetitions = env.now() - last < CALM ? repetitions + 1 : 0;
      last = env.now();
      plan(from, env.random() * SPREAD * 2 ** Math.min(repetitions, 6));
    },
  };
};
