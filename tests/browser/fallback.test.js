/** Readers whose network refuses the better transports still see everything, and climb back when it no longer does. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isLive, NETWORK, openPage, openReader, retrySoon } from './support/browser.js';
import { startExample } from './support/example.js';
import { startProxy } from './support/proxy.js';
import { allShow } from './support/posts.js';
import { keepPosting } from './support/reporter.js';

/** Milliseconds that a reader may take to find the transport that works: two failures of each, with random pauses. */
const FALL = 10_000;

/** A site with a few posts, and a proxy before it. @param {import('node:test').TestContext} t */
const startBehindProxy = async (t) => {
  const site = await startExample(t);
  for (const id of ['a', 'b', 'c']) await site.post(`post ${id}`, { id });
  return { site, proxy: await startProxy(t, site) };
};

/** One of everything, and the reader shows it. */
const follows = async (site, page) => {
  await site.post('while it is open', { id: 'd' });
  await allShow(site.url, [page]);
  await site.edit('b', 'edited');
  await site.act('a', 'pin');
  await site.delete('c');
  const posts = await allShow(site.url, [page]);
  assert.deepEqual(posts.map(({ id }) => id), ['a', 'd', 'b']);
};

describe('a reader', { concurrency: true }, () => {
  for (const [refused, allowed] of [
    ['where WebSocket is refused', ['sse', 'long-polling', 'interval-polling']],
    ['where Server-Sent Events are refused, too', ['long-polling', 'interval-polling']],
    ['where only polling at intervals works', ['interval-polling']],
  ]) {
    test(`${refused}, follows by ${allowed[0]}`, async (t) => {
      const { site, proxy } = await startBehindProxy(t);
      proxy.allowOnly(...allowed);
      const page = await openPage(t, proxy.url, { expected: NETWORK });
      await isLive(page, allowed[0], FALL);
      await follows(site, page);
      assert.equal(await page.getAttribute('live-page', 'data-live-transport'), allowed[0]);
    });
  }

  test('climbs back to WebSocket once the network lets it, and misses nothing on the way', async (t) => {
    const { site, proxy } = await startBehindProxy(t);
    proxy.allowOnly('sse', 'long-polling', 'interval-polling');
    const page = await openPage(t, proxy.url, { expected: NETWORK, prepare: probeSoon });
    await isLive(page, 'sse', FALL);
    const reporter = keepPosting(t, site);
    proxy.rules = {};
    await isLive(page, 'websocket');
    await reporter.stop();
    await allShow(site.url, [page]);
  });

  test('misses nothing while the transports fail under it, one after the other', async (t) => {
    const { site, proxy } = await startBehindProxy(t);
    const page = await openReader(t, proxy.url, { expected: NETWORK, prepare: retrySoon });
    const reporter = keepPosting(t, site);
    for (const allowed of [['sse', 'long-polling'], ['long-polling', 'interval-polling'], ['interval-polling'], ['websocket']]) {
      proxy.allowOnly(...allowed);
      await isLive(page, allowed[0], FALL);
    }
    await reporter.stop();
    // Without one, the server would send the last minute again, and hide that the reader had forgotten where it was.
    assert.deepEqual(proxy.requests.filter((each) => !each.startsWith('page ') && !/cursor=\w+-\d+/.test(each)), []);
    const posts = await allShow(site.url, [page]);
    assert.equal(posts.length, 3 + reporter.acknowledged.length);
  });
});

/** What the page would do after a minute, it does after a second. @param {import('playwright-core').Page} page */
const probeSoon = (page) =>
  page.addInitScript(() => {
    const { setTimeout } = window;
    window.setTimeout = (run, delay, ...rest) => setTimeout(run, delay > 60_000 && delay <= 90_000 ? 1000 : delay, ...rest);
  });
