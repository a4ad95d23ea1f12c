/** What a page of Wagtail Live shows. */
import assert from 'node:assert/strict';
import { eventually } from '../../browser/support/eventually.js';

/**
 * Waits until every page shows these texts and nothing else, top first.
 * @param {import('playwright-core').Page[]} pages
 * @param {string[]} texts
 * @param {number} [deadline] milliseconds
 */
export const allShow = (pages, texts, deadline) =>
  eventually(async () => {
    for (const page of pages) assert.deepEqual(await shownTexts(page), texts);
  }, deadline);

/** @param {import('playwright-core').Page} page */
const shownTexts = (page) =>
  page.$$eval('#live-posts > .live-post-wrapper', (posts) =>
    posts.filter((post) => post.checkVisibility()).map((post) => post.querySelector('.live-post-content').innerText.trim()));
