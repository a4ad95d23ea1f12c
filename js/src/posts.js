/**
 * The posts in the DOM. Keeps what is wanted apart from what is shown, because a post that the reader is at work in,
 * and a new one above what they read, has to wait.
 *
 * @typedef {object} Entry
 * @property {HTMLElement} node the direct child of the container
 * @property {HTMLElement} post the element with `data-post-id`: `node` itself, or inside it
 * @property {number} [sort]
 * @property {string} [html] what it was made from, where we made it
 *
 * @typedef {object} Options
 * @property {string[]} [embeds] origins that frames may come from; absent: the HTML is shown as it comes
 * @property {boolean} [times] whether times are localised
 * @property {string} [language]
 * @property {HTMLElement} [wrapper] put around new posts where the page shows none to go by
 *
 * @typedef {{ added: number, changed: number, removed: number }} Counts of posts
 */
import { focusOn, isBusy } from './attention.js';
import { plan } from './plan.js';
import { disarm, parse, sanitise } from './sanitise.js';
import { localiseTimes } from './times.js';
import { isScrolled, keepInPlace } from './viewport.js';

export class Posts {
  /** Never looked up by a selector: an id may contain anything. @type {Map<string, Entry>} */
  #entries;
  /** The newest render of each post that is not shown yet; `null`: to be removed. @type {Map<string, import('./cursor.js').Render | null>} */
  #wanted = new Map();
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
    return new Set([...this.#entries.keys(), ...this.#wanted.keys()]);
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
  take(wishes, whole) {
    const counts = { added: 0, changed: 0, removed: 0 };
    for (const [id, render] of wishes) {
      const entry = this.#entries.get(id);
      const known = this.#wanted.get(id) ?? (this.#wanted.has(id) ? null : entry);
      if (!render) counts.removed += known ? 1 : 0;
      else if (!known) counts.added += render.show === false ? 0 : 1;
      else if (!whole && entry?.html !== render.content) counts.changed++;
      // Deleted first: a map keeps the place of a key that is set again.
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
      busy: (id) => mode !== 'force' && isBusy(/** @type {Entry} */ (entries.get(id))),
      hold: scrolled && mode === 'hold',
    });
    const change = () => {
      steps.forEach((step) => this.#apply(step));
      also?.();
    };
    if (scrolled) keepInPlace(this.container, entries, change);
    else change();
    this.#entries = new Map(order.map(({ id }) => [id, /** @type {Entry} */ (entries.get(id))]));
    return steps.flatMap(({ id, added }) => (added && this.#entries.get(id)?.post) || []);
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
    if (added) now.post.classList.add('live-new');
    if (!moved) return;
    // A node that the site's own scripts took away is no neighbour.
    const [before, after] = [next, previous].map((other) => {
      const node = entries.get(other ?? '')?.node;
      return node?.parentNode === this.container ? node : undefined;
    });
    if (before) before.before(now.node);
    else if (after) after.after(now.node);
    else this.container.append(now.node);
  }

  /** @param {Entry | undefined} entry @param {string} id @param {import('./cursor.js').Render} render @returns {Entry} */
  #update(entry, id, render) {
    const { content: html, sort = entry?.sort } = render;
    const post = this.#build(id, render);
    for (const each of [post, entry?.post]) if (each && sort !== undefined) each.dataset.liveSort = `${sort}`;
    if (!entry) return { ...wrap(post, this.#wrapper), sort, html };
    const { node, post: old } = entry;
    // What has not changed is not touched: an image would load, a video start again. One that we made has marks of ours by now.
    const isSame = (entry.html === html && old.hidden === post.hidden) || old.isEqualNode(post);
    if (isSame) return { node, post: old, sort, html };
    const focused = document.activeElement === old;
    old.replaceWith(post);
    if (focused) focusOn(post);
    if (node === old) return { node: post, post, sort, html };
    node.hidden = post.hidden;
    // Wagtail Live hides the wrapper of a post with an inline style.
    node.removeAttribute('style');
    return { node, post, sort, html };
  }

  /** @param {string} id @param {import('./cursor.js').Render} render */
  #build(id, { content = '', show }) {
    const { embeds, language, times } = this.options;
    const fragment = parse(embeds ? disarm(content) : content);
    if (embeds) sanitise(fragment, embeds);
    /** @type {HTMLElement | undefined} */
    let post = keyed(fragment).find((element) => element.dataset.postId === id);
    if (!post) {
      post = document.createElement('div');
      post.dataset.postId = id;
      post.append(fragment);
    }
    if (show === false) post.hidden = true;
    if (times) localiseTimes(post, language);
    return post;
  }
}

/** @param {ParentNode} root */
const keyed = (root) => [.../** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll('[data-post-id]'))];

/**
 * The posts in a container, top first. A post within a post is part of it.
 * @param {Element} container
 */
export const postsIn = (container) => {
  /** @type {Map<string, Entry>} */
  const entries = new Map();
  const seen = new Set();
  for (const post of keyed(container)) {
    let node = post;
    while (node.parentElement && node.parentElement !== container) node = node.parentElement;
    const id = post.dataset.postId ?? '';
    if (seen.has(node) || entries.has(id)) continue;
    seen.add(node);
    const sort = parseFloat(post.dataset.liveSort ?? '');
    entries.set(id, { node, post, sort: Number.isNaN(sort) ? undefined : sort });
  }
  return entries;
};

/**
 * The wishes that make the page show the posts of a freshly fetched copy: from below, as each unsorted one goes on top.
 * @param {Element} container of the copy
 * @param {Set<string>} known
 * @returns {[string, import('./cursor.js').Render | null][]}
 */
export const wishesOf = (container, known) => {
  const entries = postsIn(container);
  return [
    ...[...entries].reverse().map(([id, { node, post, sort }]) =>
      /** @type {[string, import('./cursor.js').Render]} */ ([id, { content: post.outerHTML, sort, show: !node.hidden }])),
    ...[...known].filter((id) => !entries.has(id)).map((id) => /** @type {[string, null]} */ ([id, null])),
  ];
};

/** The site's wrapper around a new post: its element and classes, not what is its own. @param {HTMLElement} post @param {HTMLElement} [wrapper] */
const wrap = (post, wrapper) => {
  if (!wrapper) return { node: post, post };
  const node = /** @type {HTMLElement} */ (wrapper.cloneNode());
  for (const name of ['id', 'style']) node.removeAttribute(name);
  node.hidden = post.hidden;
  node.append(post);
  return { node, post };
};
