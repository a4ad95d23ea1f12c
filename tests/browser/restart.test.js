/** A server that crashes, restarts or is out of reach costs readers nothing but the time that it is away. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { isLive, listenIn, NETWORK, openReader, PHONE, retrySoon } from './support/browser.js';
import { eventually } from './support/eventually.js';
import { startExample } from './support/example.js';
import { allShow, domPosts, wireFrame } from './support/posts.js';
import { startProxy } from './support/proxy.js';
import { keepPosting } from './support/reporter.js';
import { OUTAGE, sized } from './support/size.js';

/** Milliseconds after an outage in which the last reader has come back: pauses double, up to half a minute. */
const RETURN = Math.min(35_000, 10_000 + OUTAGE);
/** Milliseconds over which a server that drains spreads its readers. */
const DRAIN_WINDOW = 10_000;
const CRASHES = sized(2, 20);

const postAll = async (site, ...ids) => {
  for (const id of ids) await site.post(`post ${id}`, { id });
};

describe('readers', { concurrency: true }, () => {
  test('resume where they were when a killed server is started again', async (t) => {
    const site = await startExample(t);
    await postAll(site, 'a', 'b', 'c');
    const { urls, frames, prepare } = listenIn();
    const readers = [await openReader(t, site.url, { expected: NETWORK, prepare }), await openReader(t, site.url, { expected: NETWORK, viewport: PHONE })];
    await postAll(site, 'd');
    await allShow(site.url, readers);
    const { cursor: before } = await wireFrame(site.url);
    for (const reader of readers) await reader.evaluate(() => (window.before = [...document.querySelectorAll('[data-post-id]')]));
    await site.crash();
    for (const reader of readers) await reader.waitForSelector('live-page[data-live-state=connecting]');
    await pause(OUTAGE);
    await site.start();
    await postAll(site, 'e');
    await site.edit('b', 'edited');
    await site.delete('a');
    const posts = await allShow(site.url, readers, RETURN);
    assert.deepEqual(posts.map(({ id }) => id), ['e', 'd', 'c', 'b']);
    assert.ok(urls.at(-1).endsWith(`?cursor=${before}`), urls.at(-1));
    assert.ok(!frames.some(({ reset, reload }) => reset || reload), 'nobody begins anew');
    const { cursor } = await wireFrame(site.url);
    for (const reader of readers) {
      assert.equal(await reader.$eval('live-page', (page) => page.cursor), cursor);
      const kept = await reader.evaluate(() => window.before.filter((post) => post.isConnected).map((post) => post.dataset.postId));
      assert.deepEqual(kept, ['d', 'c'], 'what has not changed is not drawn again');
    }
  });

  test('show every acknowledged post once, however often the server is killed under its reporter', async (t) => {
    const site = await startExample(t);
    const hurried = { expected: NETWORK, prepare: retrySoon };
    const readers = [await openReader(t, site.url, hurried), await openReader(t, site.url, hurried)];
    const reporter = keepPosting(t, site, 5);
    for (let crash = 1; crash <= CRASHES; crash++) {
      await eventually(() => assert.ok(reporter.acknowledged.length >= 20 * crash));
      await site.crash();
      const before = [...reporter.acknowledged].reverse();
      await site.start();
      const after = Object.keys((await wireFrame(site.url)).renders);
      assert.deepEqual(before.filter((id) => !after.includes(id)), [], 'what was acknowledged is there');
    }
    await reporter.stop();
    const posts = await allShow(site.url, readers, RETURN);
    assert.deepEqual(posts.map(({ id }) => id), [...reporter.acknowledged].reverse());
    const late = await openReader(t, `${site.url}/?all`);
    assert.deepEqual(await domPosts(late), posts);
  });

  test('come back on every transport when a server has drained and started again', async (t) => {
    const site = await startExample(t);
    await postAll(site, 'a', 'b');
    const readers = [];
    for (const transport of ['websocket', 'sse', 'long-polling']) {
      const proxy = await startProxy(t, site);
      proxy.allowOnly(transport);
      readers.push(await openReader(t, proxy.url, { expected: NETWORK }));
      await isLive(readers.at(-1), transport);
    }
    await postAll(site, 'c');
    await allShow(site.url, readers);
    assert.equal(await site.stop(), 0, 'it ends by itself, and in peace');
    assert.match(site.errors, /stopping/);
    await site.start();
    await site.act('a', 'pin');
    await allShow(site.url, readers, DRAIN_WINDOW + RETURN);
    for (const reader of readers) await isLive(reader);
  });

  test('who were offline catch up when they are online again', async (t) => {
    const site = await startExample(t);
    await postAll(site, 'a', 'b', 'c');
    const { urls, prepare } = listenIn();
    const reader = await openReader(t, site.url, { expected: NETWORK, prepare });
    const { cursor } = await wireFrame(site.url);
    await reader.context().setOffline(true);
    await reader.waitForSelector('live-page[data-live-state=offline]');
    assert.equal(await reader.innerText('.badge'), 'Offline');
    await postAll(site, 'd', 'e');
    await site.edit('c', 'edited');
    await site.act('b', 'hide');
    await site.delete('a');
    assert.deepEqual((await domPosts(reader)).map(({ id }) => id), ['c', 'b', 'a']);
    await reader.context().setOffline(false);
    await allShow(site.url, [reader]);
    await isLive(reader, 'websocket');
    assert.ok(urls.at(-1).endsWith(`?cursor=${cursor}`), urls.at(-1));
  });
});
