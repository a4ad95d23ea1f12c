/**
 * `<live-page channel="…" data-live-cursor="…">`: its life in the DOM is the connection's life.
 *
 * The parts decide; the element hands them what the page says, and shows what they say.
 */
import { announcer, countText } from './announce.js';
import { focusOn } from './attention.js';
import { Connection } from './connection.js';
import { browser } from './environment.js';
import { addLook } from './look.js';
import { wishes } from './plan.js';
import { Posts, wishesOf } from './posts.js';
import { fetchCopy, reloader } from './reload.js';
import { localiseTimes } from './times.js';
import { chooseTransports, clampInterval } from './transports.js';

/** Milliseconds between looks at whether the reader has left a post that waits to be changed. */
const RECHECK = 500;

/** So that the module can be loaded, for its pure parts, where there is no DOM. */
const Base = globalThis.HTMLElement ?? /** @type {typeof HTMLElement} */ (/** @type {unknown} */ (class {}));

export class LivePage extends Base {
  static observedAttributes = ['channel', 'base', 'transports', 'poll-interval'];

  /** What the element needs of its surroundings; a test puts its own here. @type {import('./transports.js').Environment} */
  static environment = browser;

  /** @type {Connection | undefined} */
  #connection;
  /** @type {Posts | undefined} */
  #posts;
  /** @type {AbortController | undefined} */
  #life;
  /** @type {any} */
  #recheck;
  /** @type {HTMLElement | undefined} */
  #button;
  /** @type {(counts: number[]) => void} */
  #announce = () => {};
  /** @type {{ ask: (from: string) => void, stop: () => void, pending: () => boolean } | undefined} */
  #reloader;

  /** Where the page is: everything up to here has come. */
  get cursor() {
    return this.#connection?.cursor ?? this.dataset.liveCursor ?? '';
  }

  /** Connects again at once, also after the connection was closed for good: a site calls it with a new admission. */
  reconnect() {
    this.#connection?.restart();
  }

  connectedCallback() {
    this.#life = new AbortController();
    // Where the script runs before the parser is through, the posts are not all there yet.
    if (document.readyState === 'loading') addEventListener('DOMContentLoaded', () => this.#start(), { signal: this.#life.signal });
    else this.#start();
  }

  disconnectedCallback() {
    this.#life?.abort();
    this.#connection?.stop('offline');
    clearTimeout(this.#recheck);
    // The cursor that stays behind promises everything up to it.
    this.#posts?.show('force');
    this.#keepCursor();
    this.#reloader?.stop();
    this.#connection = this.#posts = this.#life = undefined;
  }

  attributeChangedCallback() {
    if (!this.#life) return;
    this.disconnectedCallback();
    this.connectedCallback();
  }

  #start() {
    const channel = this.getAttribute('channel');
    if (!channel || !this.#life) return;
    const env = LivePage.environment;
    addLook();
    this.#addOwnParts();
    const language = /** @type {HTMLElement | null} */ (this.closest('[lang]'))?.lang;
    const times = !this.closest('[data-live-time=off]');
    const embeds = (this.getAttribute('embeds') ?? '').split(/\s+/);
    if (times) localiseTimes(this, language);
    this.#posts = new Posts(this.querySelector('[data-live-posts]') ?? this, { embeds, language, times });
    this.#reloader = reloader({ env, fetchPage: (signal) => this.#fetchPage(channel, signal), swap: (page) => this.#swap(page) });
    const connection = (this.#connection = new Connection({
      channel,
      // The routes are where this file came from, unless the page says otherwise.
      base: new URL(this.getAttribute('base') ?? new URL('.', import.meta.url), document.baseURI).href.replace(/\/?$/, '/'),
      cursor: this.dataset.liveCursor ?? '',
      transports: chooseTransports(this.getAttribute('transports')),
      pollInterval: clampInterval(Number(this.getAttribute('poll-interval')) || 3000),
      env,
      token: () => this.getAttribute('token'),
      onFrame: (frame, from) => this.#apply(frame, from),
      onState: (state, transport) => {
        this.dataset.liveState = state;
        this.dataset.liveTransport = transport;
        this.#emit('live-state', { state, transport });
      },
      onUnauthorized: () => this.#emit('live-unauthorized', {}),
    }));
    this.#watchPage(connection, this.#life.signal);
    connection.wake();
  }

  /** @param {Connection} connection @param {AbortSignal} signal */
  #watchPage(connection, signal) {
    const life = { signal };
    addEventListener('offline', () => connection.stop('offline'), life);
    addEventListener('online', () => connection.wake(), life);
    // A page with an open connection is not kept for the way back.
    addEventListener('pagehide', () => connection.stop('offline'), life);
    addEventListener('pageshow', ({ persisted }) => persisted && connection.wake(), life);
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden && this.dataset.liveState !== 'offline') connection.wake();
    }, life);
  }

  /** The button and the live region; those that a clone or an earlier life left behind go. */
  #addOwnParts() {
    for (const part of this.querySelectorAll(':scope > [data-live-own]')) part.remove();
    const button = (this.#button = document.createElement('button'));
    button.type = 'button';
    button.className = 'live-more';
    button.hidden = true;
    button.addEventListener('click', () => this.#reveal());
    // There from the beginning and empty: screen readers speak changes, not arrivals.
    const region = document.createElement('div');
    region.setAttribute('role', 'status');
    region.className = 'live-visually-hidden';
    for (const part of [region, button]) {
      part.dataset.liveOwn = '';
      this.prepend(part);
    }
    this.#announce = announcer((counts) => {
      const labels = ['new', 'changed', 'removed'].map((name) => this.#label(name));
      region.textContent = counts.flatMap((n, index) => (n ? countText(labels[index], n) : [])).join(', ');
    }, LivePage.environment);
  }

  /** @param {string} name */
  #label(name) {
    return this.getAttribute(`label-${name}`) ?? LABELS[name];
  }

  /** @param {import('./cursor.js').Frame} frame @param {string} from */
  #apply(frame, from) {
    const { cursor, removals = [], reset, reload } = frame;
    const renders = Object.keys(frame.renders ?? {});
    if (reload) this.#reloader?.ask(from);
    else if (reset) this.#reloader?.stop();
    if (!renders.length && !removals.length && !reset) return this.#keepCursor();
    this.#show(wishes(frame, this.#posts?.known ?? []), reset);
    this.#emit('live-update', { renders, removals, cursor });
  }

  /** @param {Parameters<Posts['take']>[0]} wanted @param {boolean} [whole] */
  #show(wanted, whole) {
    const counts = this.#posts?.take(wanted, whole);
    this.#settle('hold');
    if (counts) this.#announce([counts.added, counts.changed, counts.removed]);
  }

  /** @param {'hold' | 'reveal'} mode @returns {HTMLElement[]} */
  #settle(mode) {
    const posts = this.#posts;
    const button = this.#button;
    if (!posts || !button) return [];
    const added = posts.show(mode, () => {
      const waiting = posts.waiting.length;
      button.hidden = !waiting;
      button.textContent = countText(this.#label('new'), waiting);
    });
    clearTimeout(this.#recheck);
    if (posts.blocked) this.#recheck = setTimeout(() => this.#settle('hold'), RECHECK);
    this.#keepCursor();
    return added;
  }

  /** A clone, and the next life, start from the attribute with the posts there are: it must not promise what still waits, or what a reload is to bring. */
  #keepCursor() {
    if (this.cursor && !this.#posts?.pending && !this.#reloader?.pending()) this.dataset.liveCursor = this.cursor;
  }

  #reveal() {
    const added = this.#settle('reveal').filter((post) => !post.hidden);
    const first = added.sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)[0];
    if (!first) return;
    focusOn(first);
    const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
    first.scrollIntoView({ block: 'start', behavior: calm ? 'instant' : 'smooth' });
  }

  /** @param {string} channel @param {AbortSignal} signal */
  async #fetchPage(channel, signal) {
    const page = await fetchCopy(LivePage.environment, signal);
    /** @type {NodeListOf<HTMLElement> | undefined} */
    const copies = page?.querySelectorAll('live-page');
    const copy = [...(copies ?? [])].find((each) => each.getAttribute('channel') === channel);
    return copy && { cursor: copy.dataset.liveCursor ?? '', container: copy.querySelector('[data-live-posts]') ?? copy };
  }

  /** @param {{ cursor: string, container: Element }} page */
  #swap({ cursor, container }) {
    this.#connection?.restart(cursor);
    this.#show(wishesOf(container, this.#posts?.known ?? new Set()), true);
  }

  /** @param {string} name @param {object} detail */
  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { bubbles: true, composed: true, detail }));
  }
}

/** @type {Record<string, string>} */
const LABELS = {
  new: '{n} new post|{n} new posts',
  changed: '{n} update|{n} updates',
  removed: '{n} removal|{n} removals',
};
