/*! Live for Wagtail Live pages, MIT OR Apache-2.0. Made from js/src by `npm run build`. */
"use strict";
(() => {
  // src/look.js
  var RULES = `@layer live{live-page{display:block}
.live-more{position:sticky;top:0;z-index:1}
.live-visually-hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
[data-post-id][hidden],.live-post-wrapper[hidden],.live-more[hidden]{display:none!important}}`;
  var done = false;
  var addLook = () => {
    if (done) return;
    done = true;
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(RULES);
    document.adoptedStyleSheets.push(sheet);
  };

  // src/plan.js
  var PIN = 2 ** 52;
  var placeOf = (order, sort) => {
    if (sort === void 0) {
      const free = order.findIndex(({ sort: own = 0 }) => own < PIN);
      return free < 0 ? order.length : free;
    }
    const lower = order.findIndex((other) => other.sort !== void 0 && other.sort < sort);
    return lower < 0 ? order.findLastIndex((other) => other.sort !== void 0) + 1 : lower;
  };
  var stays = (place, sort) => sort === void 0 || sort === place.sort || place.sort === void 0 && sort < PIN;
  var plan = (shown, wanted, { busy, hold }) => {
    const order = [...shown];
    const steps = [];
    for (const [id, render] of wanted) {
      const at = order.findIndex((place) => place.id === id);
      const added = at < 0;
      if (added ? render && hold && render.show !== false : busy(id)) continue;
      const step = { id, render, added, moved: false };
      steps.push(step);
      if (!render) {
        if (!added) order.splice(at, 1);
        continue;
      }
      const sort = render.sort;
      if (!added && stays(order[at], sort)) {
        order[at] = { id, sort: sort ?? order[at].sort };
        continue;
      }
      if (!added) order.splice(at, 1);
      const to = placeOf(order, sort);
      order.splice(to, 0, { id, sort });
      step.moved = added || to !== at;
      step.next = order[to + 1]?.id;
      step.previous = order[to - 1]?.id;
    }
    return { steps, order };
  };
  var wishes = ({ renders = {}, removals = [], reset }, known) => {
    const gone = reset ? [...known].filter((id) => !Object.hasOwn(renders, id)) : [];
    return [
      ...Object.entries(renders).sort(([, a], [, b]) => (a.sort ?? 0) - (b.sort ?? 0)),
      ...[...gone, ...removals].map((id) => (
        /** @type {[string, null]} */
        [`${id}`, null]
      ))
    ];
  };

  // src/attention.js
  var isBusy = ({ node, post }) => {
    const active = (
      /** @type {Document} */
      node.getRootNode().activeElement
    );
    if (active !== post && node.contains(active)) return true;
    const selection = getSelection();
    if (selection && !selection.isCollapsed && selection.containsNode(node, true)) return true;
    const media = (
      /** @type {NodeListOf<HTMLMediaElement>} */
      node.querySelectorAll("audio,video")
    );
    return [...media].some((player) => !player.paused && !player.ended);
  };
  var focusOn = (post) => {
    post.tabIndex = -1;
    post.focus({ preventScroll: true });
  };

  // src/sanitise.js
  var policy;
  var DISARMED = "data-live-off";
  var disarm = (html) => html.replace(/<[a-z](?:"[^"]*"|'[^']*'|[^"'<>])*>/gi, (tag) => tag.replace(/("[^"]*"|'[^']*')|([\s/])(?:on[a-z]+|style)(?=[\s=])/gi, (_, value, space) => value ?? space + DISARMED));
  var parse = (html) => {
    const asIs = { createHTML: (text) => text };
    policy ??= /** @type {any} */
    globalThis.trustedTypes?.createPolicy("live", asIs) ?? asIs;
    const template = document.createElement("template");
    template.innerHTML = /** @type {{ createHTML: (html: string) => string }} */
    policy.createHTML(html);
    return template.content;
  };
  var REMOVED = "script,style,link,meta,base,object,embed,frame,frameset,template,animate,set,live-page";
  var isUnsafe = (name, value) => /^(on.*|style|srcdoc|autofocus|data-live-off)$/i.test(name) || // Browsers skip control characters and white space in a URL's scheme.
  /^(javascript|vbscript):/i.test(value.replace(/[\0- ]+/g, ""));
  var sanitise = (root, embeds) => {
    for (const element of root.querySelectorAll(REMOVED)) element.remove();
    for (const frame of root.querySelectorAll("iframe")) replaceFrame(frame, embeds);
    const { getAttributeNames, getAttribute, removeAttribute } = Element.prototype;
    for (const element of root.querySelectorAll("*")) {
      for (const name of getAttributeNames.call(element)) {
        if (isUnsafe(name, getAttribute.call(element, name) ?? "")) removeAttribute.call(element, name);
      }
    }
  };
  var replaceFrame = (frame, embeds) => {
    const link = document.createElement("a");
    link.href = frame.getAttribute("src") ?? "";
    if (link.protocol === "https:" && embeds.includes(link.origin)) return;
    link.rel = "nofollow noopener";
    link.textContent = frame.title || link.href;
    if (/^https?:$/.test(link.protocol)) frame.replaceWith(link);
    else frame.remove();
  };

  // src/times.js
  var formatters = /* @__PURE__ */ new Map();
  var formattersFor = (language, timeZone) => {
    const key = `${language} ${timeZone}`;
    const found = formatters.get(key) ?? [
      new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short", timeZone }),
      new Intl.DateTimeFormat(language, { dateStyle: "full", timeStyle: "long", timeZone })
    ];
    formatters.set(key, found);
    return found;
  };
  var timeTexts = (datetime, language, timeZone) => {
    const moment = new Date(datetime);
    if (!/^\d{4}-\d\d-\d\d[T ]\d/.test(datetime) || Number.isNaN(+moment)) return;
    const [text, title] = formattersFor(language, timeZone).map((formatter) => formatter.format(moment));
    return { text, title };
  };
  var localiseTimes = (root, language) => {
    for (const time of root.querySelectorAll("time")) {
      if (time.closest("[data-live-time=off]")) continue;
      try {
        const texts = timeTexts(time.dateTime, language);
        if (texts) {
          time.textContent = texts.text;
          time.title ||= texts.title;
        }
      } catch {
        return;
      }
    }
  };

  // src/viewport.js
  var box = (element) => element.getBoundingClientRect();
  var scrollerOf = (container) => {
    for (let element = (
      /** @type {Element | null} */
      container
    ); element; element = element.parentElement) {
      if (/auto|scroll/.test(getComputedStyle(element).overflowY) && element.scrollHeight > element.clientHeight) return element;
    }
    return document.scrollingElement ?? document.documentElement;
  };
  var topEdge = (scroller) => scroller === document.scrollingElement ? 0 : box(scroller).top;
  var isScrolled = (container, nodes) => {
    const first = nodes.find((node) => node.getClientRects().length);
    return first !== void 0 && box(first).top < topEdge(scrollerOf(container)) - 1;
  };
  var keepInPlace = (container, entries, change) => {
    const scroller = scrollerOf(container);
    const edge = topEdge(scroller);
    const seen = [...entries].map(([id, { node }]) => ({ id, node, ...box(node).toJSON() })).filter(({ bottom: bottom2, height }) => height && bottom2 > edge);
    const { bottom } = box(container);
    change();
    const anchor = seen.find(({ node, top }) => top < edge + scroller.clientHeight && node.isConnected) ?? seen.find(({ id }) => entries.has(id));
    const now = anchor && entries.get(anchor.id)?.node;
    const moved = now ? box(now).top - anchor.top : box(container).bottom - bottom;
    scroller.scrollBy({ top: moved, behavior: "instant" });
  };

  // src/posts.js
  var Posts = class {
    /** Never looked up by a selector: an id may contain anything. @type {Map<string, Entry>} */
    #entries;
    /** The newest render of each post that is not shown yet; `null`: to be removed. @type {Map<string, import('./cursor.js').Render | null>} */
    #wanted = /* @__PURE__ */ new Map();
    /** A wrapper that the site puts around its posts. @type {HTMLElement | undefined} */
    #wrapper;
    /**
     * @param {Element} container
     * @param {Options} options
     */
    constructor(container, options) {
      this.container = container;
      this.options = options;
      this.#entries = postsIn(container);
      this.#wrapper = [...this.#entries.values()].find(({ node, post }) => node !== post)?.node ?? options.wrapper;
    }
    /** Ids that are shown or wait. */
    get known() {
      return /* @__PURE__ */ new Set([...this.#entries.keys(), ...this.#wanted.keys()]);
    }
    /** Ids of new posts that wait for the reader. */
    get waiting() {
      return [...this.#wanted.keys()].filter((id) => !this.#entries.has(id));
    }
    /** Whether anything that came is not shown yet. */
    get pending() {
      return this.#wanted.size > 0;
    }
    /** Whether a post waits for the reader to leave it. */
    get blocked() {
      return this.#wanted.size > this.waiting.length;
    }
    /**
     * Takes in what is wanted, without showing it yet.
     * @param {[string, import('./cursor.js').Render | null][]} wishes
     * @param {boolean} [whole] the wishes are the whole page, so that most of them change nothing
     * @returns {Counts} what the reader may want to be told
     */
    take(wishes2, whole) {
      const counts = { added: 0, changed: 0, removed: 0 };
      for (const [id, render] of wishes2) {
        const entry = this.#entries.get(id);
        const known = this.#wanted.get(id) ?? (this.#wanted.has(id) ? null : entry);
        if (!render) counts.removed += known ? 1 : 0;
        else if (!known) counts.added += render.show === false ? 0 : 1;
        else if (!whole && entry?.html !== render.content) counts.changed++;
        this.#wanted.delete(id);
        if (render || entry) this.#wanted.set(id, render);
      }
      return counts;
    }
    /**
     * Shows what may be shown.
     * @param {'hold' | 'reveal' | 'force'} mode whether new posts above what is read wait, are shown, or nothing waits at all
     * @param {() => void} [also] what else changes the layout: the reader's place is kept through it
     * @returns {HTMLElement[]} the new posts
     */
    show(mode, also) {
      const entries = this.#entries;
      const shown = [...entries].map(([id, { sort }]) => ({ id, sort }));
      const scrolled = isScrolled(this.container, [...entries.values()].map(({ node }) => node));
      const { steps, order } = plan(shown, this.#wanted, {
        busy: (id) => mode !== "force" && isBusy(
          /** @type {Entry} */
          entries.get(id)
        ),
        hold: scrolled && mode === "hold"
      });
      const change = () => {
        steps.forEach((step) => this.#apply(step));
        also?.();
      };
      if (scrolled) keepInPlace(this.container, entries, change);
      else change();
      this.#entries = new Map(order.map(({ id }) => [
        id,
        /** @type {Entry} */
        entries.get(id)
      ]));
      return steps.flatMap(({ id, added }) => added && this.#entries.get(id)?.post || []);
    }
    /** @param {import('./plan.js').Step} step */
    #apply({ id, render, added, moved, next, previous }) {
      const entries = this.#entries;
      const entry = entries.get(id);
      this.#wanted.delete(id);
      if (!render) {
        entry?.node.remove();
        entries.delete(id);
        return;
      }
      const now = this.#update(entry, id, render);
      entries.set(id, now);
      if (added) now.post.classList.add("live-new");
      if (!moved) return;
      const [before, after] = [next, previous].map((other) => {
        const node = entries.get(other ?? "")?.node;
        return node?.parentNode === this.container ? node : void 0;
      });
      if (before) before.before(now.node);
      else if (after) after.after(now.node);
      else this.container.append(now.node);
    }
    /** @param {Entry | undefined} entry @param {string} id @param {import('./cursor.js').Render} render @returns {Entry} */
    #update(entry, id, render) {
      const { content: html, sort = entry?.sort } = render;
      const post = this.#build(id, render);
      for (const each of [post, entry?.post]) if (each && sort !== void 0) each.dataset.liveSort = `${sort}`;
      if (!entry) return { ...wrap(post, this.#wrapper), sort, html };
      const { node, post: old } = entry;
      const isSame = entry.html === html && old.hidden === post.hidden || old.isEqualNode(post);
      if (isSame) return { node, post: old, sort, html };
      const focused = document.activeElement === old;
      old.replaceWith(post);
      if (focused) focusOn(post);
      if (node === old) return { node: post, post, sort, html };
      node.hidden = post.hidden;
      node.removeAttribute("style");
      return { node, post, sort, html };
    }
    /** @param {string} id @param {import('./cursor.js').Render} render */
    #build(id, { content = "", show }) {
      const { embeds, language, times } = this.options;
      const fragment = parse(embeds ? disarm(content) : content);
      if (embeds) sanitise(fragment, embeds);
      let post = keyed(fragment).find((element) => element.dataset.postId === id);
      if (!post) {
        post = document.createElement("div");
        post.dataset.postId = id;
        post.append(fragment);
      }
      if (show === false) post.hidden = true;
      if (times) localiseTimes(post, language);
      return post;
    }
  };
  var keyed = (root) => [.../** @type {NodeListOf<HTMLElement>} */
  root.querySelectorAll("[data-post-id]")];
  var postsIn = (container) => {
    const entries = /* @__PURE__ */ new Map();
    const seen = /* @__PURE__ */ new Set();
    for (const post of keyed(container)) {
      let node = post;
      while (node.parentElement && node.parentElement !== container) node = node.parentElement;
      const id = post.dataset.postId ?? "";
      if (seen.has(node) || entries.has(id)) continue;
      seen.add(node);
      const sort = parseFloat(post.dataset.liveSort ?? "");
      entries.set(id, { node, post, sort: Number.isNaN(sort) ? void 0 : sort });
    }
    return entries;
  };
  var wrap = (post, wrapper) => {
    if (!wrapper) return { node: post, post };
    const node = (
      /** @type {HTMLElement} */
      wrapper.cloneNode()
    );
    for (const name of ["id", "style"]) node.removeAttribute(name);
    node.hidden = post.hidden;
    node.append(post);
    return { node, post };
  };

  // src/process-updates.js
  var process_updates = (data) => {
    const container = document.querySelector("#live-posts");
    if (!container) return;
    addLook();
    const posts = new Posts(container, { wrapper: createLivePostWrapper("") });
    posts.take(wishes(data, posts.known));
    posts.show("force");
  };
  var createLivePostWrapper = (value) => {
    const wrapper = document.createElement("div");
    wrapper.className = "live-post-wrapper";
    wrapper.append(parse(value));
    return wrapper;
  };

  // src/backoff.js
  var fullJitter = (attempt, base, cap, random) => random() * Math.min(cap, base * 2 ** attempt);
  var LONGEST = 6e5;
  var retryIn = (reason) => {
    const found = /retry in (\d+) ms$/.exec(reason);
    return found ? Math.min(LONGEST, Number(found[1])) : void 0;
  };
  var retryAfter = (header, now) => {
    const delay = header ? /^\d+$/.test(header) ? Number(header) * 1e3 : Date.parse(header) - now : NaN;
    return delay >= 0 ? Math.min(LONGEST, delay) : void 0;
  };
  var clamp = (value, least, most) => Math.min(most, Math.max(least, value));

  // src/close-codes.js
  var afterClose = (code) => {
    if (code === 4100) return "readmit";
    return code === 1008 || code === 1009 || code >= 4500 ? "stop" : "reconnect";
  };

  // src/cursor.js
  var EVERYTHING = "*";
  var isKnown = (cursor, own) => {
    const [epoch, version] = cursor.split("-");
    const [ownEpoch, ownVersion] = own.split("-");
    return epoch === ownEpoch && Number(version) <= Number(ownVersion);
  };
  var decide = (own, { cursor, prev = "", reset, reload }) => {
    if (!cursor || !own || own === EVERYTHING || reset || reload || prev === own) return "apply";
    if (isKnown(cursor, own)) return "drop";
    return isKnown(prev, own) ? "apply" : "reconnect";
  };
  var parseFrame = (text) => {
    try {
      const frame = JSON.parse(text);
      if (frame.renders || frame.removals || frame.cursor) return frame;
    } catch {
    }
  };

  // src/environment.js
  var browser = {
    WebSocket: globalThis.WebSocket,
    EventSource: globalThis.EventSource,
    fetch: (url, options) => fetch(url, options),
    setTimeout: (run, milliseconds) => setTimeout(run, milliseconds),
    clearTimeout: (timer) => clearTimeout(timer),
    random: Math.random,
    now: Date.now
  };

  // src/reload.js
  var SPREAD = 1e4;
  var AGAIN = 6e4;
  var DEADLINE = 3e4;
  var CALM = 3e5;
  var MOST = 6;
  var reloader = ({ env, fetchPage, swap, reloaded }) => {
    let timer;
    let run;
    let last = reloaded ?? -CALM;
    let repetitions = reloaded ? MOST : 0;
    const stop = () => {
      run?.abort();
      run = void 0;
      env.clearTimeout(timer);
    };
    const plan2 = (from, delay) => {
      stop();
      const { signal } = run = new AbortController();
      const again = () => plan2(from, AGAIN + env.random() * SPREAD);
      timer = env.setTimeout(async () => {
        timer = env.setTimeout(again, DEADLINE);
        const page = await fetchPage(signal).catch(() => void 0);
        if (signal.aborted) return;
        if (!page || page.cursor && isKnown(page.cursor, from)) return again();
        stop();
        swap(page);
      }, delay);
    };
    return {
      stop,
      pending: () => run !== void 0,
      ask: (from) => {
        repetitions = env.now() - last < CALM ? Math.min(MOST, repetitions + 1) : 0;
        last = env.now();
        plan2(from, env.random() * SPREAD * 2 ** repetitions);
      }
    };
  };
  var fetchCopy = async (env, signal) => {
    const answer = await env.fetch(location.href, { cache: "no-cache", signal });
    return answer.ok ? parse(disarm(await answer.text())) : void 0;
  };

  // src/transports.js
  var closing = ({ code, reason }) => ({ then: afterClose(code), delay: retryIn(reason), drain: code === 1012 });
  var openWebSocket = (address, on, env) => {
    const socket = new env.WebSocket(address().replace(/^http/, "ws"));
    socket.onopen = () => on.expect(SILENCE);
    socket.onmessage = ({ data }) => on.text(data);
    socket.onclose = (close) => on.end(closing(close));
    return () => {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    };
  };
  var openEvents = (address, on, env) => {
    const source = new env.EventSource(address());
    source.onmessage = ({ data }) => on.text(data);
    source.addEventListener("close", ({ data }) => {
      try {
        on.end(closing(JSON.parse(data)));
      } catch {
        on.end({});
      }
    });
    source.onerror = () => on.end({});
    return () => {
      source.onmessage = source.onerror = null;
      source.close();
    };
  };
  var openPolling = (long) => (address, on, env, pollInterval) => {
    const abort = new AbortController();
    let timer;
    let wait = 1;
    const patience = () => long ? wait * 1e3 + OPENING : SILENCE;
    const ask = async () => {
      const asked = env.now();
      try {
        const answer = await env.fetch(address() + (long ? `&wait=${wait}` : ""), { signal: abort.signal });
        const header = (name) => answer.headers.get(name);
        let news = false;
        if (answer.status === 204) on.idle();
        else if (answer.status === 200 && /json/.test(header("content-type") ?? "")) news = on.text(await answer.text());
        else if (/40[13]/.test(`${answer.status}`)) on.end({ then: header("live-close") === "4100" ? "readmit" : "unauthorized" });
        else on.end({ delay: retryAfter(header("retry-after"), env.now()), drain: answer.status === 503 });
        if (abort.signal.aborted) return;
        const pause = long ? news ? 0 : Math.max(0, 1e3 - (env.now() - asked)) : clampInterval(Number(header("live-poll-interval")) || pollInterval) * (0.9 + 0.2 * env.random());
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
  var clampInterval = (interval) => clamp(interval, 250, 6e5);
  var OPENING = 1e4;
  var SILENCE = 6e4;
  var TRANSPORTS = {
    websocket: { path: "ws/channel", open: openWebSocket },
    sse: { path: "events", open: openEvents },
    "long-polling": { path: "updates", open: openPolling(true) },
    "interval-polling": { path: "updates", open: openPolling(false) }
  };

  // src/publishers.js
  var WebsocketPublisher = class {
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
    initialize_websocket_connection() {
    }
    initialize_on_message_event() {
    }
    initialize_on_error_event() {
    }
  };
  var GenericWebsocketPublisher = class extends WebsocketPublisher {
    initialize_websocket_connection() {
      const { cursor } = stateOf(this);
      const scheme = location.protocol === "https:" ? "wss" : "ws";
      const query = cursor && `?cursor=${encodeURIComponent(cursor)}`;
      this.websocket = new WebSocket(`${scheme}://${this.baseURL}/ws/channel/${encodeURIComponent(channelID)}/${query}`);
    }
    initialize_on_message_event() {
      const socket = this.websocket;
      socket.onmessage = ({ data }) => {
        const frame = parseFrame(data);
        const state = stateOf(this);
        const verdict = frame && decide(state.cursor, frame);
        if (!frame || verdict === "drop") return;
        if (verdict === "reconnect") {
          if (++state.misfits > 2) state.cursor = EVERYTHING;
          socket.close();
          return;
        }
        state.misfits = state.attempt = 0;
        clearTimeout(state.timer);
        if (frame.cursor) state.timer = setTimeout(() => socket.close(), SILENCE);
        if (frame.reload) state.reloader.ask(state.cursor);
        else if (frame.reset) state.reloader.stop();
        state.cursor = frame.cursor ?? state.cursor;
        /** @type {any} */
        (globalThis.process_updates ?? process_updates)(frame);
      };
    }
    initialize_on_error_event() {
      this.websocket.onclose = ({ code, reason }) => {
        const state = stateOf(this);
        if (afterClose(code) === "stop") return;
        setTimeout(() => {
          this.initialize_websocket_connection();
          this.start();
        }, (retryIn(reason) ?? 0) + fullJitter(state.attempt++, 500, 3e4, Math.random));
      };
    }
  };
  var PieSocketPublisher = class extends GenericWebsocketPublisher {
    initialize_websocket_connection() {
      const { cursor } = stateOf(this);
      const query = `api_key=${encodeURIComponent(piesocketApiKey)}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`;
      this.websocket = new WebSocket(`wss://${piesocketEndpoint}${encodeURIComponent(channelID)}?${query}`);
    }
  };
  var states = /* @__PURE__ */ new WeakMap();
  var stateOf = (publisher) => {
    const state = states.get(publisher) ?? { cursor: cursorIn(document), attempt: 0, misfits: 0, reloader: pageReloader() };
    states.set(publisher, state);
    return state;
  };
  var cursorIn = (page) => (
    /** @type {HTMLElement | null} */
    page.querySelector("[data-live-cursor]")?.dataset.liveCursor ?? ""
  );
  var pageReloader = () => {
    const [start] = (
      /** @type {PerformanceNavigationTiming[]} */
      performance.getEntriesByType("navigation")
    );
    return reloader({
      env: browser,
      fetchPage: async (signal) => {
        const page = await fetchCopy(browser, signal);
        return page && { cursor: cursorIn(page) };
      },
      swap: () => location.reload(),
      reloaded: start?.type === "reload" ? performance.timeOrigin : void 0
    });
  };

  // src/classic.js
  var process = (updateID, value) => process_updates({ renders: { [updateID]: value } });
  var removeLivePost = (livePostID) => process_updates({ removals: [livePostID] });
  var getPostByID = (livePostID) => {
    const posts = (
      /** @type {NodeListOf<HTMLElement>} */
      document.querySelectorAll("[data-post-id]")
    );
    return [...posts].find((post) => post.dataset.postId === String(livePostID)) ?? null;
  };
  Object.assign(globalThis, {
    WebsocketPublisher,
    GenericWebsocketPublisher,
    PieSocketPublisher,
    process_updates,
    process,
    getPostByID,
    removeLivePost,
    createLivePostWrapper
  });
})();
