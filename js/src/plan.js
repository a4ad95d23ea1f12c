/**
 * Which post goes where: pure, so that the order of a page can be tested without one.
 *
 * @typedef {object} Place
 * @property {string} id
 * @property {number} [sort]
 *
 * @typedef {object} Step what to do with one post
 * @property {string} id
 * @property {import('./cursor.js').Render | null} render `null`: remove it
 * @property {boolean} added it was not shown before
 * @property {boolean} moved it changes its place
 * @property {string} [next] where it moves: the post that comes after it
 * @property {string} [previous] and the one before it
 */

/** From here on a `sort` is a pin. */
const PIN = 2 ** 52;

/**
 * The index in `order` (top first, without the post itself) at which a post with `sort` belongs.
 * Posts whose sort nobody told stay where they are, and say nothing about their neighbours; a new one goes below the leading pins.
 * @param {Place[]} order
 * @param {number} [sort]
 */
export const placeOf = (order, sort) => {
  if (sort === undefined) {
    const free = order.findIndex(({ sort: own = 0 }) => own < PIN);
    return free < 0 ? order.length : free;
  }
  const lower = order.findIndex((other) => other.sort !== undefined && other.sort < sort);
  return lower < 0 ? order.findLastIndex((other) => other.sort !== undefined) + 1 : lower;
};

/**
 * @param {Place} place of a post that is shown
 * @param {number} [sort] in its new render
 */
const stays = (place, sort) =>
  sort === undefined || sort === place.sort || (place.sort === undefined && sort < PIN);

/**
 * The steps that bring what is wanted onto the page. What must wait has no step, and is asked for again later.
 * @param {Place[]} shown top first
 * @param {Iterable<[string, import('./cursor.js').Render | null]>} wanted
 * @param {{ busy: (id: string) => boolean, hold: boolean }} reader `busy`: a post must not be touched;
 *   `hold`: new posts wait
 * @returns {{ steps: Step[], order: Place[] }} the steps, in this order, and what the page shows after them
 */
export const plan = (shown, wanted, { busy, hold }) => {
  const order = [...shown];
  /** @type {Step[]} */
  const steps = [];
  for (const [id, render] of wanted) {
    const at = order.findIndex((place) => place.id === id);
    const added = at < 0;
    if (added ? render && hold && render.show !== false : busy(id)) continue;
    /** @type {Step} */
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

/**
 * What a frame asks for, the lowest first: by `sort`, because the keys of a JSON object come in no useful order.
 * @param {import('./cursor.js').Frame} frame
 * @param {Iterable<string>} known ids that are shown or wait
 * @returns {[string, import('./cursor.js').Render | null][]}
 */
export const wishes = ({ renders = {}, removals = [], reset }, known) => {
  const gone = reset ? [...known].filter((id) => !Object.hasOwn(renders, id)) : [];
  return [
    ...Object.entries(renders).sort(([, a], [, b]) => (a.sort ?? 0) - (b.sort ?? 0)),
    ...[...gone, ...removals].map((id) => /** @type {[string, null]} */ ([`${id}`, null])),
  ];
};
