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

/** What a page shows already when {@link playMatch} begins. */
export const BEFORE = 'before anybody came';

/**
 * All that a reporter does to a post, one thing after the other, on the page `final`.
 * @param {Awaited<ReturnType<typeof import('./site.js').startSite>>} site
 * @param {import('playwright-core').Page[]} readers
 */
export const playMatch = async (site, readers) => {
  const first = await site.post('final', 'Kick-off <b>now</b>!');
  await allShow(readers, ['Kick-off now!', BEFORE]);
  const second = await site.post('final', 'Goäl!');
  await site.edit('final', first, 'Kick-off was late');
  await allShow(readers, ['Goäl!', 'Kick-off was late', BEFORE]);
  await site.hide('final', second);
  await allShow(readers, ['Kick-off was late', BEFORE]);
  await site.delete(first);
  await site.post('other', 'on another page');
  await site.post('final', 'The end');
  await allShow(readers, ['The end', BEFORE]);
};
