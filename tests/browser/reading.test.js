/** Reading, undisturbed: by who has scrolled down, and by who has no JavaScript. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DESKTOP, openPage, openReader, PHONE } from './support/browser.js';
import { eventually } from './support/eventually.js';
import { startExample } from './support/example.js';
import { allShow, domIds, wirePosts } from './support/posts.js';

const POSTS = 40;
const LONG = 'Words that fill a few lines, so that there is something to scroll through. '.repeat(6);

/** Safari does not keep by itself what is read in its place, so the page's style leaves out what relies on that. */
const AS_SAFARI = 'html { overflow-anchor: none } .post { content-visibility: visible !important }';
/** @type {[string, { width: number, height: number }, string][]} */
const DEVICES = [['desktop', DESKTOP, ''], ['phone', PHONE, AS_SAFARI]];

/** @param {import('node:test').TestContext} t @param {number} count */
const startWithPosts = async (t, count) => {
  const site = await startExample(t);
  for (let number = 1; number <= count; number++) await site.post(`Post ${number}. ${LONG}`, { id: `p${number}` });
  return site;
};

/** How far a post is from the top of the window. @param {import('playwright-core').Page} page @param {string} id */
const topOf = (page, id) => page.$eval(`[data-post-id="${id}"]`, (post) => post.getBoundingClientRect().top);

/** The posts that have just left the window, the last first. @param {import('playwright-core').Page} page @returns {Promise<string[]>} */
const above = (page) =>
  page.$$eval('[data-post-id]', (posts) =>
    posts.filter((post) => post.getBoundingClientRect().bottom < 0).map((post) => post.dataset.postId).reverse());

/** Two frames later: what the browser moves after a change, it has moved. @param {import('playwright-core').Page} page */
const settle = (page) => page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));

describe('reading', { concurrency: 2 }, () => {
  for (const [device, viewport, rules] of DEVICES) {
    test(`who has scrolled down on a ${device} is not moved, and brings new posts by a button`, async (t) => {
      const site = await startWithPosts(t, POSTS);
      const page = await openReader(t, site.url, { viewport });
      await page.evaluate((text) => {
        const sheet = new CSSStyleSheet();
        sheet.replaceSync(text);
        document.adoptedStyleSheets.push(sheet);
      }, rules);
      await page.$eval('[data-post-id=p15]', (post) => post.scrollIntoView({ block: 'center' }));
      await settle(page);
      const before = await topOf(page, 'p15');
      const [edited, deleted, hidden] = await above(page);
      const staysAfter = async (what) => {
        await settle(page);
        const moved = (await topOf(page, 'p15')) - before;
        assert.ok(Math.abs(moved) < 1, `${what} moved the page by ${moved} pixels`);
      };
      await site.post('new one', { id: 'n1' });
      await site.post('new two', { id: 'n2' });
      await eventually(async () => assert.equal(await page.innerText('.live-more'), '2 new posts'));
      assert.ok(await page.locator('.live-more').evaluate((button) => button.getBoundingClientRect().top >= 0), 'the button is in view');
      await staysAfter('a new post');
      await site.edit(edited, LONG.repeat(5));
      await page.waitForFunction((id) => document.querySelector(`[data-post-id=${id}]`).textContent.includes('Edited'), edited);
      await staysAfter('an edit above');
      await site.delete(deleted);
      await page.waitForSelector(`[data-post-id=${deleted}]`, { state: 'detached' });
      await staysAfter('a removal above');
      await site.act(hidden, 'hide');
      await page.waitForSelector(`[data-post-id=${hidden}][hidden]`, { state: 'attached' });
      await staysAfter('a post hidden above');
      assert.ok(!(await domIds(page)).includes('n1'));
      await page.click('.live-more');
      await allShow(site.url, [page]);
      assert.ok(await page.isHidden('.live-more'));
      const top = await topOf(page, 'n2');
      assert.ok(top >= 0 && top < viewport.height / 2, `the newest post is in view, not under the masthead: ${top}`);
      assert.equal(await page.evaluate(() => document.activeElement.dataset.postId), 'n2');
    });
  }

  test('who reads from the top sees new posts at once', async (t) => {
    const site = await startWithPosts(t, 3);
    const page = await openReader(t, site.url);
    await site.post('new one', { id: 'n1' });
    await allShow(site.url, [page]);
    assert.ok(await page.isHidden('.live-more'));
    await eventually(async () => assert.equal(await page.textContent('live-page [role=status]'), '1 new post'));
  });

  test('without JavaScript the page reads: the posts, each by itself, and how to get the rest', async (t) => {
    const site = await startWithPosts(t, 201);
    await site.act('p7', 'pin');
    await site.edit('p200', 'A correction.');
    await site.act('p199', 'hide');
    await site.delete('p198');
    const page = await openPage(t, site.url, { javaScriptEnabled: false });
    const posts = await wirePosts(site.url);
    const ids = posts.map(({ id }) => id);
    assert.deepEqual(ids.slice(0, 4), ['p7', 'p201', 'p200', 'p197']);
    assert.deepEqual(await domIds(page), ids);
    assert.ok(await page.isVisible('noscript .notice'), 'it says that it stands still');
    assert.equal(await page.innerText('.badge'), '', 'nothing says that it is live');
    await page.click('[data-post-id=p200] .permalink');
    assert.match(await page.innerText('article'), /A correction\.$/);
    await page.getByText('Read all of the live blog').click();
    for (const number of [202, 203]) await site.post('one more', { id: `p${number}` });
    await page.click('noscript a');
    await page.waitForSelector('[data-post-id=p203]');
    assert.equal((await domIds(page)).length, 200);
    await page.getByText('Show all 201 posts').click();
    await page.waitForSelector('[data-post-id=p1]');
    assert.equal((await domIds(page)).length, 201);
  });
});
