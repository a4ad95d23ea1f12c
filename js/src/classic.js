/** The classic script `wagtail-live.js`: Wagtail Live's functions and publishers as globals, for pages written for it. */
import { createLivePostWrapper, process_updates } from './process-updates.js';
import { GenericWebsocketPublisher, PieSocketPublisher, WebsocketPublisher } from './publishers.js';

/**
 * Adds or replaces one post.
 * @param {string} updateID
 * @param {import('./cursor.js').Render} value
 */
const process = (updateID, value) => process_updates({ renders: { [updateID]: value } });

/** @param {string} livePostID */
const removeLivePost = (livePostID) => process_updates({ removals: [livePostID] });

/**
 * @param {string} livePostID
 * @returns {HTMLElement | null} the post, without its wrapper
 */
const getPostByID = (livePostID) => {
  const posts = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('[data-post-id]'));
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
  createLivePostWrapper,
});
