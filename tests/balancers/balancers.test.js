/** Two nodes of `live serve` behind a load balancer: readers do not notice which of them they are on, nor that one goes. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { isLive, NETWORK, openPage, retrySoon } from '../browser/support/browser.js';
import { atEnd } from '../browser/support/cleanup.js';
import { eventually } from '../browser/support/eventually.js';
import { binary } from '../browser/support/example.js';
import { startNginx } from '../browser/support/nginx.js';
import { start, startRedis } from '../browser/support/process.js';
import { startHaProxy } from './support/haproxy.js';
import { Site, TOKEN } from './support/site.js';

/** Where the nodes meet. @param {string} redis `HOST:PORT` */
const bus = (redis) => `redis://${redis}/0`;
/** The same, without a log: each node numbers updates by itself. @param {string} redis */
const relayedBus = (redis) => `redis+pubsub://${redis}`;

const TRANSPORTS = ['websocket', 'sse', 'long-polling'];
/** Milliseconds in which the last reader of a node that went is back, on a busy machine, too. */
const RETURN = 30_000;

/**
 * @param {import('node:test').TestContext} t
 * @param {string} bus
 * @param {string[]} args
 */
const startNode = async (t, bus, ...args) => {
  const common = ['--prefix', '/live', '--bus', bus, '--publish-token', TOKEN, '--trusted-proxies', '127.0.0.1', '--admin', '127.0.0.1:0'];
  const printed = /listening on http:\/\/([^/\s]+)[^]*status page on (\S+)\//;
  const node = await start(t, binary('live'), ['serve', ...common, ...args], printed);
  const [, address, admin] = node.match;
  const sum = async (metric) => {
    const metrics = await (await fetch(`${admin}/metrics`)).text();
    const counts = TRANSPORTS.map((name) => Number(new RegExp(`^${metric}\\{transport="${name}"\\} (\\d+)`, 'm').exec(metrics)[1]));
    return counts.reduce((sum, count) => sum + count);
  };
  return {
    ...node,
    address,
    /** How many readers are on it. */
    readers: () => sum('live_readers'),
    /** How often it has sent a reader back to the page's HTML. */
    reloads: () => sum('live_reloads_total'),
  };
};

/** What the tests do not wait for: HAProxy asks as often as in the documentation, but sooner. */
const SOONER = { 'inter 1s': 'inter 200ms' };

const BALANCERS = {
  nginx: async (t, places) => ({ url: await startNginx(t, new URL('nginx.conf', import.meta.url), places) }),
  haproxy: (t, places) => startHaProxy(t, new URL('haproxy.cfg', import.meta.url), { ...SOONER, ...places }),
};

/** What the documentation tells to write where readers have to stay on a node. */
const STAYING = { nginx: { 'least_conn;': 'ip_hash;' }, haproxy: { 'balance leastconn': 'balance source' } };

/**
 * Two nodes, a site, and a balancer before them.
 * @param {import('node:test').TestContext} t
 * @param {keyof typeof BALANCERS} kind
 * @param {{ args?: string[], meet?: typeof bus, changes?: Record<string, string> }} [options] `args` for the nodes, `meet` gives their bus, `changes` in the balancer's file
 */
const startAll = async (t, kind, { args = [], meet = bus, changes } = {}) => {
  const where = meet(await startRedis(t));
  const startAt = (listen) => startNode(t, where, '--listen', listen, ...args);
  const [a, b] = await Promise.all([startAt('127.0.0.1:0'), startAt('127.0.0.1:0')]);
  const site = await new Site().start(t);
  const places = { '127.0.0.1:8765': a.address, '127.0.0.1:8766': b.address, '127.0.0.1:8000': site.address, ...changes };
  const balancer = await BALANCERS[kind](t, places);
  return { a, b, site, balancer, startAt, post: () => site.post(balancer.url) };
};

/** Two readers of each transport, so that both nodes have some. @param {import('node:test').TestContext} t @param {string} url @param {string[]} [transports] */
const openReaders = (t, url, transports = TRANSPORTS) =>
  Promise.all([...transports, ...transports].map(async (transport) => {
    const reader = await openPage(t, `${url}/?transport=${transport}`, { expected: NETWORK, prepare: retrySoon });
    await isLive(reader, transport);
    return reader;
  }));

/** Waits until every page shows all posts of the site, the newest on top. */
const allShow = (site, readers, deadline) =>
  eventually(async () => {
    const wanted = Array.from({ length: site.last }, (_, index) => `post ${site.last - index}`);
    for (const reader of readers) {
      const texts = await reader.$$eval('[data-post-id]', (posts) => posts.map((post) => post.textContent));
      assert.deepEqual(texts, wanted);
    }
  }, deadline);

/** Posts again and again until it is stopped. */
const keepPosting = (t, post) => {
  let stops = false;
  const done = (async () => {
    // Pages have to keep up with what a busy machine brings them.
    for (; !stops; await pause(20)) await post();
  })();
  const stop = () => ((stops = true), done);
  atEnd(t, () => stop().catch(() => {}));
  return stop;
};

describe('behind a balancer', { concurrency: true }, () => {
  for (const kind of Object.keys(BALANCERS)) {
    test(`${kind} gives readers of a node that drains or is killed to the other one, and they resume and miss nothing`, async (t) => {
      const { a, b, site, balancer, startAt, post } = await startAll(t, kind, { args: ['--drain-window', '1s'] });
      const readers = await openReaders(t, balancer.url);
      for (const node of [a, b]) assert.ok(await node.readers() > 0, 'a node has no readers');
      for (let posts = 1; posts <= 3; posts++) {
        await post();
        await allShow(site, readers);
      }
      let stop = keepPosting(t, post);
      a.child.kill('SIGTERM');
      assert.equal(await a.ended, 0);
      // Who polls is there between two updates only.
      await stop();
      await eventually(async () => assert.equal(await b.readers(), readers.length), RETURN);

      const next = await startAt(a.address);
      stop = keepPosting(t, post);
      const grows = async () => {
        const before = site.last;
        await eventually(() => assert.ok(site.last > before));
      };
      await grows();
      b.child.kill('SIGKILL');
      await grows();
      await stop();
      await eventually(async () => assert.equal(await next.readers(), readers.length), RETURN);
      await allShow(site, readers, RETURN);
      assert.equal(site.asked, readers.length, 'a reader was sent back to the HTML');
    });

    test(`${kind} keeps who polls on a node where it is told so, which a relayed bus needs`, async (t) => {
      const { a, b, site, balancer, post } = await startAll(t, kind, { meet: relayedBus, changes: STAYING[kind] });
      const reader = await openPage(t, `${balancer.url}/?transport=long-polling`);
      await isLive(reader, 'long-polling');
      for (let posts = 1; posts <= 5; posts++) {
        await post();
        await allShow(site, [reader]);
      }
      assert.deepEqual([await a.reloads(), await b.reloads()], [0, 0]);
    });
  }

  test('haproxy sends newcomers elsewhere while a node that will drain still serves its readers', async (t) => {
    const { a, b, site, balancer, post } = await startAll(t, 'haproxy', { args: ['--drain-delay', '10m'] });
    // Not by polling: who polls long is a newcomer with each request.
    const readers = await openReaders(t, balancer.url, ['websocket', 'sse']);
    const counts = async () => [await a.readers(), await b.readers()];
    const before = await counts();
    assert.ok(before[0] > 0);
    assert.ok(await balancer.isUp('live/a'));
    a.child.kill('SIGTERM');
    await eventually(async () => assert.equal(await balancer.isUp('live/a'), false));
    const newcomer = await openPage(t, `${balancer.url}/?transport=sse`);
    await isLive(newcomer, 'sse');
    await post();
    await allShow(site, [...readers, newcomer]);
    assert.deepEqual(await counts(), [before[0], before[1] + 1]);
  });
});
