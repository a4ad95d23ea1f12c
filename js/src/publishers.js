/** Wagtail Live's extension interface: a publisher's side in the browser, under its names. */
import { fullJitter, retryIn } from './backoff.js';
import { afterClose } from './close-codes.js';
import { decide, EVERYTHING, parseFrame } from './cursor.js';
import { browser } from './environment.js';
import { process_updates } from './process-updates.js';
import { fetchCopy, reloader } from './reload.js';
import { SILENCE } from './transports.js';

/** Override the three `initialize_*` methods to bring another library; `start` calls the last two. */
export class WebsocketPublisher {
  /** @type {any} the current socket */
  websocket;

  /** @param {string} [baseURL] host and port, without a scheme */
  constructor(baseURL) {
    this.baseURL = baseURL;
    this.initialize_websocket_connection();
  }

  start() {
    this.initialize_on_message_event();
    this.initialize_on_error_event();
  }

  initialize_websocket_connection() {}

  initialize_on_message_event() {}

  initialize_on_error_event() {}
}

/**
 * A publisher over the browser's own WebSocket. Beyond the original's it follows the page's protocol (`wss` on `https`),
 * and comes back with its cursor after a lost connection, so that nothing is missed.
 */
export class GenericWebsocketPublisher extends WebsocketPublisher {
  initialize_websocket_connection() {
    const { cursor } = stateOf(this);
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    const query = cursor && `?cursor=${encodeURIComponent(cursor)}`;
    this.websocket = new WebSocket(`${scheme}://${this.baseURL}/ws/channel/${encodeURIComponent(channelID)}/${query}`);
  }

  initialize_on_message_event() {
    const socket = this.websocket;
    socket.onmessage = (/** @type {MessageEvent} */ { data }) => {
      const frame = parseFrame(data);
      const state = stateOf(this);
      const verdict = frame && decide(state.cursor, frame);
      if (!frame || verdict === 'drop') return;
      if (verdict === 'reconnect') {
        if (++state.misfits > 2) state.cursor = EVERYTHING;
        socket.close();
        return;
      }
      state.misfits = state.attempt = 0;
      // Only a server with cursors sends heartbeats, so only there does silence mean a dead connection.
      clearTimeout(state.timer);
      if (frame.cursor) state.timer = setTimeout(() => socket.close(), SILENCE);
      if (frame.reload) state.reloader.ask(state.cursor);
      else if (frame.reset) state.reloader.stop();
      state.cursor = frame.cursor ?? state.cursor;
      // By its global name: a page may have put its own in place of ours.
      (/** @type {any} */ (globalThis).process_updates ?? process_updates)(frame);
    };
  }

  initialize_on_error_event() {
    this.websocket.onclose = (/** @type {CloseEvent} */ { code, reason }) => {
      const state = stateOf(this);
      if (afterClose(code) === 'stop') return;
      setTimeout(() => {
        this.initialize_websocket_connection();
        this.start();
      }, (retryIn(reason) ?? 0) + fullJitter(state.attempt++, 500, 30_000, Math.random));
    };
  }
}

/** A publisher for PieSocket, the hosted service or a server in its place. The page says where: `us-nyc-1.piesocket.com/v3/`, for example. */
export class PieSocketPublisher extends GenericWebsocketPublisher {
  initialize_websocket_connection() {
    const { cursor } = stateOf(this);
    const query = `api_key=${encodeURIComponent(piesocketApiKey)}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`;
    this.websocket = new WebSocket(`wss://${piesocketEndpoint}${encodeURIComponent(channelID)}?${query}`);
  }
}

/**
 * Beside the publishers, not in fields: the base's constructor connects before a field of a subclass exists.
 * @type {WeakMap<object, { cursor: string, attempt: number, misfits: number, reloader: ReturnType<typeof pageReloader>, timer?: any }>}
 */
const states = new WeakMap();

/** @param {object} publisher */
const stateOf = (publisher) => {
  const state = states.get(publisher) ?? { cursor: cursorIn(document), attempt: 0, misfits: 0, reloader: pageReloader() };
  states.set(publisher, state);
  return state;
};

/** @param {ParentNode} page */
const cursorIn = (page) => /** @type {HTMLElement | null} */ (page.querySelector('[data-live-cursor]'))?.dataset.liveCursor ?? '';

/** Loads the whole page again, as its HTML is the site's own, but only once a copy shows that the site answers and knows more. */
const pageReloader = () => {
  const [start] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType('navigation'));
  return reloader({
    env: browser,
    fetchPage: async (signal) => {
      const page = await fetchCopy(browser, signal);
      return page && { cursor: cursorIn(page) };
    },
    swap: () => location.reload(),
    reloaded: start?.type === 'reload' ? performance.timeOrigin : undefined,
  });
};
