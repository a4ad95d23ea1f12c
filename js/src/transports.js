/**
 * The four transports. Each is a function that starts one and returns how to close it; none of them decides anything.
 *
 * @typedef {object} Environment what the client needs of its surroundings; tests bring their own
 * @property {typeof WebSocket} WebSocket
 * @property {typeof EventSource} EventSource
 * @property {(url: string, options: RequestInit) => Promise<Response>} fetch
 * @property {(run: () => void, milliseconds: number) => any} setTimeout
 * @property {(timer: any) => void} clearTimeout
 * @property {() => number} random from 0 to below 1
 * @property {() => number} now milliseconds
 *
 * @typedef {object} Ending
 * @property {'reconnect' | 'readmit' | 'unauthorized' | 'stop'} [then] default: reconnect
 * @property {number} [delay] milliseconds that the server asked to wait
 *
 * @typedef {object} Listener what a transport reports
 * @property {(milliseconds: number) => void} expect something will come within this time, or the link is dead
 * @property {(text: string) => boolean} text a message came; true: it brought something new
 * @property {() => void} idle the server answered that there is nothing new
 * @property {(ending: Ending) => void} end
 *
 * @typedef {(address: () => string, on: Listener, env: Environment, pollInterval: number) => () => void} Open
 */
import { clamp, retryAfter, retryIn } from './backoff.js';
import { afterClose } from './close-codes.js';

/** @type {Open} */
const openWebSocket = (address, on, env) => {
  const socket = new env.WebSocket(address().replace(/^http/, 'ws'));
  socket.onopen = () => on.expect(SILENCE);
  socket.onmessage = ({ data }) => on.text(data);
  socket.onclose = ({ code, reason }) => on.end({ then: afterClose(code), delay: retryIn(reason) });
  return () => {
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  };
};

/** @type {Open} */
const openEvents = (address, on, env) => {
  const source = new env.EventSource(address());
  source.onmessage = ({ data }) => on.text(data);
  // Its own reconnect would ask with the old address, at once and without jitter: ours does it.
  source.onerror = () => on.end({});
  return () => {
    source.onmessage = source.onerror = null;
    source.close();
  };
};

/**
 * @param {boolean} long whether the server holds the answer until there is something
 * @returns {Open}
 */
const openPolling = (long) => (address, on, env, pollInterval) => {
  const abort = new AbortController();
  /** @type {any} */
  let timer;
  // The first answer comes at once, so that the reader knows that the way is open.
  let wait = '';
  const ask = async () => {
    const asked = env.now();
    try {
      const answer = await env.fetch(address() + wait, { signal: abort.signal });
      const header = (/** @type {string} */ name) => answer.headers.get(name);
      let news = false;
      if (answer.status === 204) on.idle();
      else if (answer.status === 200 && /json/.test(header('content-type') ?? '')) news = on.text(await answer.text());
      else if (/40[13]/.test(`${answer.status}`)) on.end({ then: 'unauthorized' });
      else on.end({ delay: retryAfter(header('retry-after'), env.now()) });
      if (abort.signal.aborted) return;
      // A server or cache that answers a long poll at once, with nothing, must not be asked in a tight loop.
      const pause = long
        ? news || !wait ? 0 : Math.max(0, 1000 - (env.now() - asked))
        : clampInterval(Number(header('live-poll-interval')) || pollInterval) * (0.9 + 0.2 * env.random());
      if (long) wait = '&wait=25';
      on.expect(pause + SILENCE);
      timer = env.setTimeout(ask, pause);
    } catch {
      on.end({});
    }
  };
  on.expect(SILENCE);
  ask();
  return () => {
    abort.abort();
    env.clearTimeout(timer);
  };
};

/** Below a quarter of a second a reader is a load test; above ten minutes it is not live. @param {number} interval */
export const clampInterval = (interval) => clamp(interval, 250, 600_000);

/** Milliseconds without a frame, a heartbeat or an answer after which a link is dead: two heartbeats (25 s) and some. */
export const SILENCE = 60_000;

/** In order of preference, each with the first segments of its route. @type {Record<string, { path: string, open: Open }>} */
export const TRANSPORTS = {
  websocket: { path: 'ws/channel', open: openWebSocket },
  sse: { path: 'events', open: openEvents },
  'long-polling': { path: 'updates', open: openPolling(true) },
  'interval-polling': { path: 'updates', open: openPolling(false) },
};

/**
 * The transports named in an attribute, in its order; all four where it names none that exist.
 * @param {string | null} names
 */
export const chooseTransports = (names) => {
  const chosen = (names ?? '').split(/\s+/).filter((name) => Object.hasOwn(TRANSPORTS, name));
  return chosen.length ? [...new Set(chosen)] : Object.keys(TRANSPORTS);
};
