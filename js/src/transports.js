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
 * @property {boolean} [drain] it is the server that goes: with a delay, no failure of the transport
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

/** What a close code and reason say. @param {{ code: number, reason: string }} close @returns {Ending} */
const closing = ({ code, reason }) => ({ then: afterClose(code), delay: retryIn(reason), drain: code === 1012 });

/** @type {Open} */
const openWebSocket = (address, on, env) => {
  const socket = new env.WebSocket(address().replace(/^http/, 'ws'));
  socket.onopen = () => on.expect(SILENCE);
  socket.onmessage = ({ data }) => on.text(data);
  socket.onclose = (close) => on.end(closing(close));
  return () => {
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  };
};

/** @type {Open} */
const openEvents = (address, on, env) => {
  const source = new env.EventSource(address());
  source.onmessage = ({ data }) => on.text(data);
  // A stream has no close frame: its last event is one.
  source.addEventListener('close', ({ data }) => {
    try {
      on.end(closing(JSON.parse(data)));
    } catch {
      on.end({});
    }
  });
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
  // Seconds. Short at first, so that a network on which waiting answers never come is found out before the page relies on it.
  let wait = 1;
  // Long polling has something below it to fall to; polling at intervals has not, and is patient.
  const patience = () => (long ? wait * 1000 + OPENING : SILENCE);
  const ask = async () => {
    const asked = env.now();
    try {
      const answer = await env.fetch(address() + (long ? `&wait=${wait}` : ''), { signal: abort.signal });
      const header = (/** @type {string} */ name) => answer.headers.get(name);
      let news = false;
      if (answer.status === 204) on.idle();
      else if (answer.status === 200 && /json/.test(header('content-type') ?? '')) news = on.text(await answer.text());
      else if (/40[13]/.test(`${answer.status}`)) on.end({ then: header('live-close') === '4100' ? 'readmit' : 'unauthorized' });
      else on.end({ delay: retryAfter(header('retry-after'), env.now()), drain: answer.status === 503 });
      if (abort.signal.aborted) return;
      // A server or cache that answers a long poll at once, with nothing, must not be asked in a tight loop.
      const pause = long
        ? news ? 0 : Math.max(0, 1000 - (env.now() - asked))
        : clampInterval(Number(header('live-poll-interval')) || pollInterval) * (0.9 + 0.2 * env.random());
      wait = Math.min(25, wait * 2);
      on.expect(pause + patience());
      timer = env.setTimeout(ask, pause);
    } catch {
      on.end({});
    }
  };
  on.expect(patience());
  ask();
  return () => {
    abort.abort();
    env.clearTimeout(timer);
  };
};

/** Below a quarter of a second a reader is a load test; above ten minutes it is not live. @param {number} interval */
export const clampInterval = (interval) => clamp(interval, 250, 600_000);

/** Milliseconds that a link has to open; Server-Sent Events also to bring the first frame, which a buffering proxy holds. */
export const OPENING = 10_000;

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
