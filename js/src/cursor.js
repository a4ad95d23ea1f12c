/**
 * Cursors, and which frames a reader applies.
 *
 * @typedef {object} Render
 * @property {boolean} [show] `false` hides the post; `content` is then an empty, hidden element.
 * @property {string} content HTML with one top-level element that has `data-post-id`.
 * @property {number} [sort] the place of the post, greatest on top.
 *
 * @typedef {object} Frame
 * @property {Record<string, Render>} [renders]
 * @property {string[]} [removals]
 * @property {string} [cursor]
 * @property {string} [prev]
 * @property {boolean} [reset]
 * @property {boolean} [reload]
 * @property {boolean} [stale]
 */

/** The cursor that asks for everything; whoever holds it applies whatever comes. */
export const EVERYTHING = '*';

/**
 * Whether `cursor` is of the same epoch as `own` and not above it.
 * @param {string} cursor
 * @param {string} own
 */
export const isKnown = (cursor, own) => {
  const [epoch, version] = cursor.split('-');
  const [ownEpoch, ownVersion] = own.split('-');
  return epoch === ownEpoch && Number(version) <= Number(ownVersion);
};

/**
 * What a reader at `own` does with a frame.
 * @param {string} own the reader's cursor; empty: none
 * @param {Frame} frame
 * @returns {'apply' | 'drop' | 'reconnect'}
 */
export const decide = (own, { cursor, prev = '', reset, reload }) => {
  // A server that knows no cursors (Wagtail Live's own) sends each change once: nothing to compare.
  if (!cursor || !own || own === EVERYTHING || reset || reload || prev === own) return 'apply';
  if (isKnown(cursor, own)) return 'drop';
  return isKnown(prev, own) ? 'apply' : 'reconnect';
};

/**
 * Parses a message; anything but a frame is `undefined`, so that a proxy's error page never reaches the posts.
 * @param {string} text
 * @returns {Frame | undefined}
 */
export const parseFrame = (text) => {
  try {
    const frame = JSON.parse(text);
    if (frame.renders || frame.removals || frame.cursor) return frame;
  } catch {
    // Falls through: the caller treats it as a failed connection.
  }
};
