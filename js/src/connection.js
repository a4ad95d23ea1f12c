/**
 * Keeps a reader connected: which transport, when to retry, when to try a better one. Knows nothing of the DOM.
 *
 * @typedef {'connecting' | 'live' | 'stale' | 'offline' | 'closed'} State
 *
 * @typedef {object} Options
 * @property {string} base URL prefix of the routes, with a trailing slash
 * @property {string} channel
 * @property {string} cursor where to start; empty: none
 * @property {string[]} transports names, best first
 * @property {number} pollInterval milliseconds
 * @property {() => string | null} [token] what the site lets the reader in with, at the moment
 * @property {import('./transports.js').Environment} env
 * @property {(frame: import('./cursor.js').Frame, from: string) => void} onFrame a frame to apply, and the cursor before it
 * @property {(state: State, transport: string) => void} onState
 * @property {() => void} onUnauthorized
 *
 * @typedef {object} Link one run of one transport
 * @property {number} rank index into the transports
 * @property {number} seen when something last came
 * @property {number} [since] when something first came
 * @property {any} [timer]
 * @property {() => void} [close]
 */
import { fullJitter } from './backoff.js';
import { decide, EVERYTHING, parseFrame } from './cursor.js';
import { OPENING, SILENCE, TRANSPORTS } from './transports.js';

export class Connection {
  /** The link that the page lives on. @type {Link | undefined} */
  #main;
  /** A better transport being tried beside it. @type {Link | undefined} */
  #probe;
  #rank = 0;
  #attempt = 0;
  /** Links of this rank in a row that never delivered anything. */
  #failures = 0;
  /** Times that a transport was given up. */
  #falls = 0;
  /** Frames in a row that did not fit the cursor. */
  #misfits = 0;
  #probeRank = 0;
  #probeFailures = 0;
  /** Ranks that have delivered something. */
  #worked = new Set();
  /** @type {any} */
  #retryTimer;
  /** @type {any} */
  #probeTimer;
  #reported = '';

  /** @param {Options} options */
  constructor(options) {
    this.options = options;
    this.cursor = options.cursor;
    this.closed = false;
  }

  /** Connects now, also out of a back-off; a link that is alive stays. */
  wake() {
    const { now } = this.options.env;
    if (this.closed || (this.#main && now() - this.#main.seen < LATE)) return;
    this.#attempt = 0;
    this.#connect();
  }

  /**
   * Begins anew from another cursor, also after it was closed.
   * @param {string} [cursor]
   */
  restart(cursor = this.cursor) {
    this.cursor = cursor;
    // Without an admission every transport fails in turn; with a new one the best is the first to try.
    if (this.closed) this.#rank = 0;
    this.closed = false;
    this.stop('connecting');
    this.wake();
  }

  /** @param {State} state why */
  stop(state) {
    if (this.closed) return;
    const { clearTimeout } = this.options.env;
    this.closed = state === 'closed';
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#probeTimer);
    this.#drop(this.#main);
    this.#drop(this.#probe);
    this.#main = this.#probe = undefined;
    this.#report(state);
  }

  #connect() {
    this.stop('connecting');
    this.#main = this.#link(this.#rank);
    this.#open(this.#main);
  }

  /** @param {number} rank @returns {Link} */
  #link(rank) {
    return { rank, seen: this.options.env.now() };
  }

  /** @param {Link} link */
  #open(link) {
    const { base, channel, transports, env, pollInterval, token } = this.options;
    const { path, open } = TRANSPORTS[transports[link.rank]];
    const address = () => {
      const query = new URLSearchParams(this.cursor && { cursor: this.cursor });
      const jwt = token?.();
      if (jwt) query.set('jwt', jwt);
      return `${base}${path}/${encodeURIComponent(channel)}/?${query}`;
    };
    this.#expect(link, OPENING);
    try {
      link.close = open(address, {
        expect: (milliseconds) => this.#expect(link, milliseconds),
        text: (text) => this.#receive(link, text),
        idle: () => this.#alive(link),
        end: (ending) => this.#lost(link, ending),
      }, env, pollInterval);
    } catch {
      // A constructor throws where the page may not use it (mixed content, for one).
      this.#lost(link, {});
    }
  }

  /** @param {Link} link @param {number} milliseconds */
  #expect(link, milliseconds) {
    const { env } = this.options;
    env.clearTimeout(link.timer);
    if (this.#owns(link)) link.timer = env.setTimeout(() => this.#lost(link, {}), milliseconds);
  }

  /** @param {Link} link */
  #owns(link) {
    return link === this.#main || link === this.#probe;
  }

  /** @param {Link} link @param {string} text */
  #receive(link, text) {
    if (!this.#owns(link)) return false;
    const frame = parseFrame(text);
    if (!frame) {
      this.#lost(link, {});
      return false;
    }
    // What an older link says about the whole page may be overtaken by what the newer one already brought.
    const outdated = (frame.reset || frame.reload) && link !== (this.#probe ?? this.#main);
    this.#alive(link, frame.stale);
    const verdict = outdated ? 'drop' : decide(this.cursor, frame);
    if (verdict === 'reconnect') {
      if (++this.#misfits > 2) this.cursor = EVERYTHING;
      this.#lost(link, {});
    } else if (verdict === 'apply') {
      this.#misfits = 0;
      const from = this.cursor;
      this.cursor = frame.cursor ?? from;
      this.options.onFrame(frame, from);
    }
    // What says to reload brings nothing by itself: the next poll may well say it again.
    return verdict === 'apply' && !frame.reload;
  }

  /** @param {Link} link @param {boolean} [stale] */
  #alive(link, stale) {
    if (!this.#owns(link)) return;
    link.seen = this.options.env.now();
    if (link === this.#probe) this.#promote(link);
    if (link.since === undefined) {
      link.since = link.seen;
      this.#failures = 0;
      this.#worked.add(link.rank);
      this.#planProbe();
    }
    this.#expect(link, SILENCE);
    this.#report(stale ? 'stale' : 'live');
  }

  /** The better transport delivers: only now the lower one ends. @param {Link} link */
  #promote(link) {
    this.options.env.clearTimeout(this.#retryTimer);
    this.#drop(this.#main);
    this.#main = link;
    this.#probe = undefined;
    this.#rank = link.rank;
    this.#probeFailures = this.#probeRank = 0;
  }

  /** @param {Link} link @param {import('./transports.js').Ending} ending */
  #lost(link, { then, delay, drain }) {
    if (!this.#owns(link)) return;
    this.#drop(link);
    if (then === 'stop' || then === 'unauthorized') this.stop('closed');
    else if (link === this.#probe) {
      this.#probe = undefined;
      this.#probeFailures++;
      this.#probeRank++;
      this.#planProbe();
    } else {
      this.#main = undefined;
      this.#retry(link, delay, drain);
    }
    // Last, as the site may call `restart` from here.
    if (then === 'readmit' || then === 'unauthorized') this.options.onUnauthorized();
  }

  /** @param {Link} link the one that was lost @param {number} [delay] milliseconds, given by the server @param {boolean} [drain] */
  #retry(link, delay, drain) {
    const { env, transports } = this.options;
    env.clearTimeout(this.#probeTimer);
    if (link.since !== undefined) {
      if (env.now() - link.since >= STABLE) this.#attempt = 0;
    } else if ((delay === undefined || !drain) && ++this.#failures >= (this.#worked.has(link.rank) ? PATIENCE : STRIKES)) {
      // After the last comes the first again: when nothing works, the server is gone, not a transport.
      this.#failures = 0;
      this.#rank = (link.rank + 1) % transports.length;
      // The page itself has just come: on the way down for the first time it is the network that refuses, not the server that is gone.
      if (++this.#falls < transports.length && !this.#worked.size) this.#attempt = 0;
    }
    this.#report('connecting');
    // On top of a delay too: a crowd that gets the same one would come back together, for ever.
    const pause = (delay ?? 0) + fullJitter(this.#attempt++, BASE, CAP, env.random);
    this.#retryTimer = env.setTimeout(() => this.#connect(), pause);
  }

  /** The better ones take turns, the best first. */
  #planProbe() {
    const { env } = this.options;
    env.clearTimeout(this.#probeTimer);
    if (!this.#rank || !this.#main) return;
    const pause = Math.min(PROBE_CAP, PROBE_BASE * 2 ** this.#probeFailures) * (1 + env.random() / 2);
    this.#probeTimer = env.setTimeout(() => {
      this.#probe = this.#link(this.#probeRank % this.#rank);
      this.#open(this.#probe);
    }, pause);
  }

  /** @param {Link} [link] */
  #drop(link) {
    this.options.env.clearTimeout(link?.timer);
    link?.close?.();
  }

  /** @param {State} state */
  #report(state) {
    const transport = this.options.transports[this.#rank];
    if (this.#reported === (this.#reported = state + transport)) return;
    this.options.onState(state, transport);
  }
}

/** Milliseconds after which a heartbeat (25 s) is late enough to reconnect when the reader looks. */
const LATE = 35_000;
/** Milliseconds a link must have worked for the back-off to begin anew. */
const STABLE = 10_000;
const BASE = 500;
const CAP = 30_000;
/** Failures after which a transport that never worked is given up for the next one… */
const STRIKES = 2;
/** …and one that did: a server that restarts must not push every reader down to polling. */
const PATIENCE = 5;
const PROBE_BASE = 60_000;
const PROBE_CAP = 600_000;
