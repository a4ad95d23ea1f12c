/** Wagtail Live's functions that put updates into its pages, under its names, over the same posts as `<live-page>`. */
import { addLook } from './look.js';
import { wishes } from './plan.js';
import { Posts } from './posts.js';
import { parse } from './sanitise.js';

/**
 * Applies a frame, also one of Wagtail Live's own, without cursors. Its content is shown as it comes, embeds and all:
 * those pages trust their server, and so did the original.
 * @param {import('./cursor.js').Frame} data
 */
export const process_updates = (data) => {
  const container = document.querySelector('#live-posts');
  if (!container) return;
  addLook();
  const posts = new Posts(container, { wrapper: createLivePostWrapper('') });
  posts.take(wishes(data, posts.known));
  posts.show('force');
};

/**
 * @param {string} value HTML of a post
 * @returns {HTMLElement} the wrapper with the post in it
 */
export const createLivePostWrapper = (value) => {
  const wrapper = document.createElement('div');
  wrapper.className = 'live-post-wrapper';
  wrapper.append(parse(value));
  return wrapper;
};
