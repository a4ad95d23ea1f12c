/**
 * The list of posts: one element per post, kept while the post is, so that focus and a half-written edit survive whatever
 * somebody else does meanwhile.
 *
 * @typedef {{ id: string, text: string, author: string?, vehicle: string?, created: number, edited: number?,
 *   pinned: number?, hidden: boolean, revision: number }} Post
 */

export class PostList {
  /** @type {Map<string, { item: HTMLElement, post: Post }>} */
  #entries = new Map();
  /** The post that Tab comes to. @type {string | undefined} */
  #current;

  /**
   * @param {HTMLElement} list
   * @param {(act: string, post: Post, fields?: { text: string, author: string, revision: number }) => Promise<boolean>} act
   */
  constructor(list, act) {
    this.list = list;
    this.act = act;
    list.addEventListener('keydown', (event) => this.#key(event));
    list.addEventListener('click', (event) => this.#click(event));
    list.addEventListener('focusin', (event) => this.#setCurrent(idOf(event.target)));
  }

  /** @param {Post[]} posts top first */
  show(posts) {
    const wanted = new Set(posts.map(({ id }) => id));
    for (const id of [...this.#entries.keys()]) if (!wanted.has(id)) this.#remove(id);
    const focused = document.activeElement;
    let above = null;
    for (const post of posts) {
      const item = this.update(post);
      const inPlace = above ? above.nextElementSibling === item : this.list.firstElementChild === item;
      if (!inPlace) above ? above.after(item) : this.list.prepend(item);
      above = item;
    }
    const hadFocus = focused instanceof HTMLElement && this.list.contains(focused);
    // A browser takes the focus from an element that is moved.
    if (hadFocus && document.activeElement !== focused) focused.focus({ preventScroll: true });
    // While the reporter is elsewhere, Tab comes to the newest post.
    this.#setCurrent(hadFocus ? this.#current : posts[0]?.id);
  }

  /** @param {Post} post @returns {HTMLElement} */
  update(post) {
    const item = this.#entries.get(post.id)?.item ?? copyOf('item');
    this.#entries.set(post.id, { item, post });
    item.dataset.id = post.id;
    const part = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (item.querySelector(selector));
    const text = (/** @type {string} */ selector, /** @type {string?} */ value) => {
      part(selector).textContent = value;
      part(selector).hidden = !value;
    };
    const created = new Date(post.created);
    text('time', created.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' }));
    part('time').setAttribute('datetime', created.toISOString());
    text('.author', post.author);
    text('.vehicle', post.vehicle);
    text('.words', post.text);
    part('.pinned-mark').hidden = post.pinned === null;
    part('.hidden-mark').hidden = !post.hidden;
    part('.edited-mark').hidden = post.edited === null;
    part('[data-act=hide]').textContent = post.hidden ? 'Show' : 'Hide';
    part('[data-act=pin]').textContent = post.pinned === null ? 'Pin' : 'Unpin';
    item.classList.toggle('is-hidden', post.hidden);
    return item;
  }

  /** Takes a post out, and the focus, if it was there, to its neighbour. @param {string} id */
  #remove(id) {
    const item = /** @type {HTMLElement} */ (this.#entries.get(id)?.item);
    const neighbour = item.nextElementSibling ?? item.previousElementSibling;
    const hadFocus = item.contains(document.activeElement);
    item.remove();
    this.#entries.delete(id);
    if (id === this.#current) this.#setCurrent(idOf(neighbour));
    if (hadFocus) this.focus();
  }

  /** Focuses the current post; without one the list's form is left to the caller. */
  focus() {
    this.#entries.get(this.#current ?? '')?.item.focus();
  }

  /** One stop for Tab in the whole list: the current post, and then its buttons. @param {string | undefined} id */
  #setCurrent(id) {
    if (id === undefined || !this.#entries.has(id)) return;
    this.#current = id;
    for (const [other, { item }] of this.#entries) {
      item.tabIndex = other === id ? 0 : -1;
      for (const button of item.querySelectorAll('.acts button')) /** @type {HTMLElement} */ (button).tabIndex = other === id ? 0 : -1;
    }
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const button = /** @type {Element} */ (event.target).closest('[data-act]');
    const id = idOf(button);
    if (button && id !== undefined) this.#do(/** @type {HTMLElement} */ (button).dataset.act ?? '', id);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    const entry = this.#entries.get(idOf(target) ?? '');
    if (!entry) return;
    if (target.closest('.edit')) {
      if (event.key === 'Escape') this.#close(entry.item);
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return;
    event.preventDefault();
    this.#do(act, entry.post.id);
  }

  /** @param {string} act @param {string} id */
  #do(act, id) {
    const entry = this.#entries.get(id);
    if (!entry) return;
    const { item, post } = entry;
    const items = [...this.list.children];
    const go = (/** @type {Element | null | undefined} */ to) => /** @type {HTMLElement | null} */ (to)?.focus();
    switch (act) {
      case 'next': return go(item.nextElementSibling);
      case 'previous': return go(item.previousElementSibling);
      case 'first': return go(items[0]);
      case 'last': return go(items.at(-1));
      case 'edit': return this.#edit(item, post);
      case 'cancel': return this.#close(item);
      case 'hide': return void this.act(post.hidden ? 'show' : 'hide', post);
      case 'pin': return void this.act(post.pinned === null ? 'pin' : 'unpin', post);
      case 'delete': return void this.act('delete', post);
    }
  }

  /** @param {HTMLElement} item @param {Post} post */
  #edit(item, post) {
    const open = /** @type {HTMLElement | null} */ (item.querySelector('.edit textarea'));
    if (open) return open.focus();
    const form = /** @type {HTMLFormElement} */ (copyOf('edit'));
    const [text, author] = [form.elements.namedItem('text'), form.elements.namedItem('author')].map((field) => /** @type {HTMLInputElement} */ (field));
    text.value = post.text;
    author.value = post.author ?? '';
    // The revision that the reporter saw. After a refusal they see the newer one above, and may replace it.
    let revision = post.revision;
    let saving = false;
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      if (saving) return;
      saving = true;
      const saved = await this.act('edit', post, { text: text.value, author: author.value, revision });
      saving = false;
      revision = this.#entries.get(post.id)?.post.revision ?? revision;
      if (saved) this.#close(item);
    });
    item.append(form);
    text.focus();
    form.scrollIntoView({ block: 'nearest' });
  }

  /** @param {HTMLElement} item */
  #close(item) {
    const hadFocus = item.contains(document.activeElement);
    item.querySelector('.edit')?.remove();
    if (hadFocus) item.focus();
  }
}

/** @type {Record<string, string>} */
const KEYS = {
  j: 'next', ArrowDown: 'next', k: 'previous', ArrowUp: 'previous', Home: 'first', End: 'last',
  e: 'edit', h: 'hide', p: 'pin', Delete: 'delete',
};

/** @param {EventTarget | Element | null} target @returns {string | undefined} the post that an element belongs to */
const idOf = (target) => /** @type {HTMLElement | null} */ (target instanceof Element ? target.closest('.item') : null)?.dataset.id;

/** @param {string} template @returns {HTMLElement} */
const copyOf = (template) => {
  const { content } = /** @type {HTMLTemplateElement} */ (document.getElementById(template));
  return /** @type {HTMLElement} */ (content.firstElementChild?.cloneNode(true));
};
