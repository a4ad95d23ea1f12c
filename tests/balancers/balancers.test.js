/** Two nodes of `live serve` behind a load balancer: readers do not notice which of them they are on, nor that one goes. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isLive, NETWORK, openPage, retrySoon } from '../browser/support/browser.js';
import { atEnd } from '../browser/support/cleanup.js';
import { eventually } from '../browser/support/eventually.js';
import { binary } from '../browser/support/example.js';
import { startNginx } from '../browser/support/nginx.js';
import { start, startRedis } from '../browser/support/process.js';
import { startHaProxy } from './support/haproxy.js';
import { Site, TOKEN } from './support/site.js';

/** Where the nodes meet. @param {string} redis `HOST:PORT` */
const bus = (redis) => `redis+pubsub://${redis}`;

const TRANSPORTS = ['websocket', 'sse', 'long-polling'];
/** Milliseconds in which the last reader of a node that went is back, on a busy machine, too. */
const RETURN = 30_000;

/**
 * @param {import('node:test').TestContext} t
 * @param {string} redis
 * @param {string[]} args
 */
const startNode = async (t, redis, ...args) => {
  const common = ['--prefix', '/live', '--bus', bus(redis), '--publish-token', TOKEN, '--trusted-proxies', '127.0.0.1', '--admin', '127.0.0.1:0'];
  const printed = /listening on http:\/\/([^/\s]+)[^]*status page on (\S+)\//;
  const node = await start(t, binary('live'), ['serve', '--listen', '127.0.0.1:0', ...common, ...args], printed);
  const [, address, admin] = node.match;
  const sum = async (metric, transports) => {
    const metrics = await (await fetch(`${admin}/metrics`)).text();
    const counts = transports.map((name) => Number(new RegExp(`^${metric}\\{transport="${name}"\\} (\\d+)`, 'm').exec(metrics)[1]));
    return counts.reduce((sum, count) => sum + count);
  };
  return {
    ...node,
    address,
    /** How many readers are on it. @param {string[]} [transports] */
    readers: (transports = TRANSPORTS) => sum('live_readers', transports),
    /** How often it has sent a reader back to the page's HTML. */
    reloads: () => sum('live_reloads_total', TRANSPORTS),
  };
};

const BALANCERS = {
  nginx: async (t, places) => ({ url: await startNginx(t, new URL('nginx.conf', import.meta.url), places) }),
  haproxy: (t, places) => startHaProxy(t, new URL('haproxy.cfg', import.meta.url), places),
};

/** What the documentation tells to write where readers have to stay on a node. */
const STAYING = { nginx: { 'least_conn;': 'ip_hash;' }, haproxy: { 'balance leastconn': 'balance source' } };

/**
 * Two nodes, a site, and a balancer before them.
 * @param {import('node:test').TestContext} t
 * @param {keyof typeof BALANCERS} kind
 * @param {{ args?: string[], changes?: Record<string, string> }} [options] `args` for the nodes, `changes` in the balancer's file
 */
const startAll = async (t, kind, { args = [], changes } = {}) => {
  const redis = await startRedis(t);
  const [a, b] = await Promise.all([startNode(t, redis, ...args), startNode(t, redis, ...args)]);
  const site = await new Site().start(t);
  const places = { '127.0.0.1:8765': a.address, '127.0.0.1:8766': b.address, '127.0.0.1:8000': site.address, ...changes };
  const balancer = await BALANCERS[kind](t, places);
  return { a, b, site, balancer, post: () => site.post(balancer.url) };
};

/** Two readers of each transport, so that both nodes have some. @param {import('node:test').TestContext} t @param {string} url @param {RegExp} [expected] */
const openReaders = async (t, url, expected) => {
  const readers = [];
  for (const transport of [...TRANSPORTS, ...TRANSPORTS]) {
    const reader = await openPage(t, `${url}/?transport=${transport}`, { expected, prepare: retrySoon });
    await isLive(reader, transport);
    readers.push(reader);
  }
  return readers;
};

/** Waits until every page shows all posts of the site, the newest on top. */
const allShow = (site, readers, deadline) =>
  eventually(async () => {
    const wanted = Array.from({ length: site.last }, (_, index) => `post ${site.last - index}`);
    for (const reader of readers) {
      const texts = await reader.$$eval('[data-post-id]', (posts) => posts.map((post) => post.textContent));
      assert.deepEqual(texts, wanted);
    }
  }, deadline);

/** Posts without a pause until it is stopped. */
const keepPosting = (t, post) => {
  let stops = false;
  const done = (async () => {
    while (!stops) await post();
  })();
  const stop = () => ((stops = true), done);
  atEnd(t, () => stop().catch(() => {}));
  return stop;
};

for (const kind of Object.keys(BALANCERS)) {
  describe(`behind ${kind}`, () => {
    test('updates come at once over every transport, from both nodes', async (t) => {
      const { a, b, site, balancer, post } = await startAll(t, kind);
      const readers = await openReaders(t, balancer.url);
      for (const node of [a, b]) assert.ok(await node.readers() > 0, 'a node has no readers');
      for (let posts = 1; posts <= 3; posts++) {
        await post();
        await allShow(site, readers);
      }
    });

    test('who polls stays on a node where the balancer is told so, and is not sent back to the HTML', async (t) => {
      const { a, b, site, balancer, post } = await startAll(t, kind, { changes: STAYING[kind] });
      const reader = await openPage(t, `${balancer.url}/?transport=long-polling`);
      await isLive(reader, 'long-polling');
      for (let posts = 1; posts <= 5; posts++) {
        await post();
        await allShow(site, [reader]);
      }
      assert.deepEqual([await a.reloads(), await b.reloads()], [0, 0]);
    });

    test('readers of a node that drains move to the other one, and miss nothing', async (t) => {
      const { a, b, site, balancer, post } = await startAll(t, kind, { args: ['--drain-window', '1s'] });
      const readers = await openReaders(t, balancer.url);
      const stop = keepPosting(t, post);
      await eventually(() => assert.ok(site.last >= 5));
      assert.ok(await a.readers() > 0, 'nobody is there to move');
      a.child.kill('SIGTERM');
      assert.equal(await a.ended, 0);
      await eventually(async () => assert.equal(await b.readers(), readers.length), RETURN);
      await stop();
      await allShow(site, readers, RETURN);
    });

    test('readers of a node that is killed come back on the other one, and miss nothing', async (t) => {
      const { a, b, site, balancer, post } = await startAll(t, kind);
      const readers = await openReaders(t, balancer.url, NETWORK);
      const stop = keepPosting(t, post);
      await eventually(() => assert.ok(site.last >= 5));
      assert.ok(await a.readers() > 0, 'nobody is there to come back');
      a.child.kill('SIGKILL');
      await eventually(async () => assert.equal(await b.readers(), readers.length), RETURN);
      await stop();
      await allShow(site, readers, RETURN);
    });
  });
}

test('haproxy sends newcomers elsewhere while a node that will drain still serves its readers', async (t) => {
  const { a, b, site, balancer, post } = await startAll(t, 'haproxy', { args: ['--drain-delay', '10m'] });
  const readers = await openReaders(t, balancer.url);
  // Who polls long is a newcomer with each request.
  const streams = async () => [await a.readers(['websocket', 'sse']), await b.readers(['websocket', 'sse'])];
  const before = await streams();
  assert.ok(await balancer.isUp('live/a'));
  a.child.kill('SIGTERM');
  await eventually(async () => assert.equal(await balancer.isUp('live/a'), false));
  const newcomer = await openPage(t, `${balancer.url}/?transport=sse`);
  await isLive(newcomer, 'sse');
  assert.deepEqual(await streams(), [before[0], before[1] + 1]);
  await post();
  await allShow(site, [...readers, newcomer]);
  assert.ok(before[0] > 0);
  assert.deepEqual(await streams(), [before[0], before[1] + 1]);
});
