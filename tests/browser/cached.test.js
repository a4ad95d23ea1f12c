/** HTML that is older than the posts: out of a cache, or from before a crash. Its cursor says what it lacks. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { listenIn, openReader } from './support/browser.js';
import { startExample } from './support/example.js';
import { allShow, domIds } from './support/posts.js';
import { startProxy } from './support/proxy.js';
import { sized } from './support/size.js';

/** Posts that nobody touches any more. */
const OLD = 30;

/** A site with posts, and a proxy that keeps serving the page as it was then. @param {import('node:test').TestContext} t */
const startBehindCache = async (t) => {
  const site = await startExample(t);
  for (let number = 1; number <= OLD; number++) await site.post(`old post ${number}`, { id: `old${number}` });
  for (const id of ['a', 'b', 'c', 'd', 'e']) await site.post(`post ${id}`, { id });
  const proxy = await startProxy(t, site);
  proxy.copies.set('/', await (await fetch(site.url)).text());
  return { site, proxy };
};

/** One of every act. Leaves `d` on top, then `f`, `e` and `a`. */
const change = async (site) => {
  await site.post('post f', { id: 'f' });
  await site.edit('a', 'edited');
  await site.delete('b');
  await site.act('c', 'hide');
  await site.act('d', 'pin');
};
describe('a page out of a cache', { concurrency: true }, () => {
  test('joins without a gap, and is not sent everything again', async (t) => {
    const { site, proxy } = await startBehindCache(t);
    await change(site);
    const { frames, prepare } = listenIn();
    const page = await openReader(t, proxy.url, { prepare });
    const posts = await allShow(site.url, [page]);
    assert.deepEqual(posts.slice(0, 5).map(({ id }) => id), ['d', 'f', 'e', 'a', `old${OLD}`]);
    assert.ok(!frames[0].reset && !frames[0].reload);
    const sent = Object.keys(frames[0].renders);
    // A few more than it lacks are harmless: one frame is made for many readers.
    assert.ok(['a', 'c', 'd', 'f'].every((id) => sent.includes(id)) && sent.length < OLD, `${sent}`);
    assert.deepEqual(frames[0].removals, ['b']);
    await site.post('post g', { id: 'g' });
    await allShow(site.url, [page]);
  });

  test('joins without a gap after more updates than the server keeps one by one', async (t) => {
    const { site, proxy } = await startBehindCache(t);
    for (let number = 0; number < sized(40, 1000); number++) {
      await site.post(`post ${number}`, { id: `p${number}` });
      if (number % 3 === 0) await site.edit('a', `edit ${number}`);
      if (number % 4 === 1) await site.delete(`p${number - 1}`);
    }
    await change(site);
    const page = await openReader(t, proxy.url);
    await allShow(site.url, [page]);
  });

  test('joins without a gap when the server has crashed meanwhile', async (t) => {
    const { site, proxy } = await startBehindCache(t);
    await change(site);
    await site.crash();
    await site.start();
    await site.post('post g', { id: 'g' });
    const { frames, prepare } = listenIn();
    const page = await openReader(t, proxy.url, { prepare });
    await allShow(site.url, [page]);
    assert.ok(!frames[0].reset && !frames[0].reload, 'a crash that lost nothing resets nobody');
  });

  test('is replaced when it is of another life of the blog', async (t) => {
    const { proxy } = await startBehindCache(t);
    const other = await startExample(t);
    await other.post('a new beginning', { id: 'z' });
    proxy.site = other;
    const page = await openReader(t, proxy.url);
    await allShow(other.url, [page]);
    assert.deepEqual(await domIds(page), ['z']);
  });
});
