/** What the reader looks at, and how not to move it. */

/** @param {Element} element */
const box = (element) => element.getBoundingClientRect();

/**
 * The element that scrolls the posts: the container itself, something around it, or the page.
 * @param {Element} container
 */
const scrollerOf = (container) => {
  for (let element = /** @type {Element | null} */ (container); element; element = element.parentElement) {
    if (/auto|scroll/.test(getComputedStyle(element).overflowY) && element.scrollHeight > element.clientHeight) return element;
  }
  return document.scrollingElement ?? document.documentElement;
};

/** @param {Element} scroller */
const topEdge = (scroller) => (scroller === document.scrollingElement ? 0 : box(scroller).top);

/**
 * Whether the first post has left the viewport upwards, in part or whole.
 * @param {Element} container
 * @param {Element[]} nodes the posts, top first
 */
export const isScrolled = (container, nodes) => {
  const first = nodes.find((node) => node.getClientRects().length);
  return first !== undefined && box(first).top < topEdge(scrollerOf(container)) - 1;
};

/**
 * Runs `change`, then scrolls so that what the reader sees stays where it was.
 * @param {Element} container
 * @param {Map<string, { node: Element }>} entries top first; `change` may alter it
 * @param {() => void} change
 */
export const keepInPlace = (container, entries, change) => {
  const scroller = scrollerOf(container);
  const edge = topEdge(scroller);
  const seen = [...entries]
    .map(([id, { node }]) => ({ id, node, ...box(node).toJSON() }))
    .filter(({ bottom, height }) => height && bottom > edge);
  const { bottom } = box(container);
  change();
  // Best a post in view that is still itself, else the first that is left; below all posts, their end.
  const anchor =
    seen.find(({ node, top }) => top < edge + scroller.clientHeight && node.isConnected) ??
    seen.find(({ id }) => entries.has(id));
  const now = anchor && entries.get(anchor.id)?.node;
  const moved = now ? box(now).top - anchor.top : box(container).bottom - bottom;
  // Instant, or a site's smooth scrolling would show the jump that is to be hidden.
  scroller.scrollBy({ top: moved, behavior: 'instant' });
};
