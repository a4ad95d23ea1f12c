/** Readers who poll through nginx's cache: what the server is asked depends on updates and seconds, not on how many they are. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { binary } from '../browser/support/example.js';
import { within } from '../browser/support/eventually.js';
import { startNginx } from '../browser/support/nginx.js';
import { start } from '../browser/support/process.js';
import { sized } from '../browser/support/size.js';
import { TOKEN } from './support/site.js';

const FEW = 100;
const MANY = sized(1_000, 5_000);
/** Milliseconds between two polls of a reader. */
const INTERVAL = sized(250, 1_000);
const UPDATES = sized(8, 40);
/** Milliseconds between two updates. */
const PAUSE = 500;
/** Milliseconds in which thousands of readers connect, or the last of them is at the head. */
const PATIENCE = 60_000;

/** `live serve` that polls are cached for. @param {import('node:test').TestContext} t */
const startServer = async (t) => {
  const args = ['--prefix', '/live', '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--publish-token', TOKEN, '--poll-interval', `${INTERVAL}ms`];
  const { match } = await start(t, binary('live'), ['serve', ...args], /listening on http:\/\/([^/\s]+)[^]*status page on (\S+)\//);
  const [, address, admin] = match;
  return {
    address,
    /** How many polls it has answered. */
    polls: async () => {
      const metrics = await (await fetch(`${admin}/metrics`)).text();
      return Number(/^live_joins_total\{transport="interval-polling"\} (\d+)/m.exec(metrics)[1]);
    },
    /** @param {number} number @returns {Promise<string>} the cursor after it */
    publish: async (number) => {
      const content = `<div data-post-id="${number}">post ${number}</div>`;
      const body = JSON.stringify({ renders: { [number]: { content } } });
      const answer = await fetch(`http://${address}/live/publish/final/`, { method: 'POST', headers: { authorization: `Bearer ${TOKEN}` }, body });
      assert.equal(answer.status, 200);
      return (await answer.json()).cursor;
    },
  };
};

/**
 * Readers who poll while updates come, until each of them has the last one.
 * @param {import('node:test').TestContext} t
 * @param {number} readers
 */
const follow = async (t, readers) => {
  const server = await startServer(t);
  const cache = await startNginx(t, new URL('cache.conf', import.meta.url), { '127.0.0.1:8765': server.address, '/var/cache/nginx/live': 'cache' });
  const args = ['pollers', new URL(cache).host, '/live/updates/final/', `${readers}`];
  const crowd = await start(t, binary('live-bench'), args, /connected/, { patience: PATIENCE, stdin: 'pipe' });
  const began = Date.now();
  let head = '';
  for (let number = 1; number <= UPDATES; number++) {
    head = await server.publish(number);
    await pause(PAUSE);
  }
  crowd.child.stdin.end(`${head}\n`);
  assert.equal(await within(PATIENCE, crowd.ended, `not all readers came to the head: ${crowd.said()}`), 0, crowd.said());
  const seconds = (Date.now() - began) / 1000;
  const [, polls] = /(\d+) polls/.exec(crowd.said());
  return { readers, polls: Number(polls), origin: await server.polls(), seconds };
};

test('through a cache, what the server is asked does not grow with the readers', async (t) => {
  const few = await follow(t, FEW);
  const many = await follow(t, MANY);
  for (const { readers, polls, origin, seconds } of [few, many]) {
    t.diagnostic(`${readers} readers, ${seconds.toFixed(1)} s, ${UPDATES} updates: ${polls} polls, ${origin} of them at the server`);
    // A cursor is asked for from its update until the last reader has the next one, and in each second once; the first poll has none.
    const lifetime = (PAUSE + 1.1 * INTERVAL) / 1000 + 2;
    assert.ok(origin <= 2 * ((UPDATES + 1) * lifetime + seconds), `${origin}`);
  }
  const growth = { polls: many.polls / few.polls, origin: many.origin / few.origin };
  t.diagnostic(`${growth.polls.toFixed(1)} times as many polls, ${growth.origin.toFixed(1)} times as many at the server`);
  assert.ok(growth.polls > MANY / FEW / 2, 'more readers ask more');
  assert.ok(growth.origin < growth.polls / 3, `${many.origin} and ${few.origin}`);
});
