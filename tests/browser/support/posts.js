/** What a page shows, and what the server says that it should show. */
import assert from 'node:assert/strict';
import { openBench } from './browser.js';
import { eventually } from './eventually.js';

/** @typedef {{ id: string, sort: number, text: string }} Post */

/**
 * Runs in a browser: the posts below `root` that are shown, top first. Times are read as they were sent, since each reader
 * sees them in a zone and language of their own.
 * @param {Element} root
 * @returns {Post[]}
 */
const readPosts = (root) =>
  [...root.querySelectorAll('[data-post-id]')].filter((post) => !post.hidden).map((post) => {
    const copy = post.cloneNode(true);
    for (const time of copy.querySelectorAll('time')) time.replaceWith(time.dateTime);
    return { id: post.dataset.postId, sort: Number(post.dataset.liveSort), text: copy.textContent };
  });

/** @param {import('playwright-core').Page} page */
export const domPosts = (page) => page.$eval('live-page', readPosts);

/** The ids alone, for tests that say which they expect. @param {import('playwright-core').Page} page */
export const domIds = async (page) => (await domPosts(page)).map(({ id }) => id);

/** Everything that the server has, over plain HTTP. @param {string} url */
export const wireFrame = async (url, cursor = '*') => {
  const answer = await fetch(`${url}/live/updates/blog/?cursor=${encodeURIComponent(cursor)}`);
  assert.equal(answer.status, 200);
  return answer.json();
};

/**
 * The posts that the server says are shown, top first. Their HTML is parsed by a browser, as the page's is, and by one
 * without a policy, because a strict page may not parse text.
 * @param {string} url
 * @returns {Promise<Post[]>}
 */
export const wirePosts = async (url) => {
  const bench = await openBench();
  const { renders } = await wireFrame(url);
  const shown = Object.values(renders).filter(({ show }) => show).sort((a, b) => b.sort - a.sort);
  const texts = await bench.evaluate(
    (contents) => contents.map((content) => {
      const body = new DOMParser().parseFromString(content, 'text/html').body;
      for (const time of body.querySelectorAll('time')) time.replaceWith(time.dateTime);
      return { id: body.firstElementChild.dataset.postId, text: body.textContent };
    }),
    shown.map(({ content }) => content),
  );
  return texts.map(({ id, text }, index) => ({ id, sort: shown[index].sort, text }));
};

/**
 * Waits until every page shows the same posts as the server has: the same ids in the same order with the same words.
 * @param {string} url
 * @param {import('playwright-core').Page[]} pages
 * @param {number} [deadline] milliseconds
 */
export const allShow = (url, pages, deadline) =>
  eventually(async () => {
    const wanted = await wirePosts(url);
    for (const page of pages) assert.deepEqual(await domPosts(page), wanted);
    return wanted;
  }, deadline);
