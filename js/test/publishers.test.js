import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { browser } from '../src/environment.js';
import { GenericWebsocketPublisher, PieSocketPublisher } from '../src/publishers.js';
import { at, frame, hello } from './fake-environment.js';

/** A page of Wagtail Live's: what its publisher touches of a browser, with timers that a test advances. */
let sockets, applied, reloads, copies, publisher;
beforeEach(() => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000 });
  mock.method(Math, 'random', () => 0.5);
  mock.method(browser, 'random', () => 0.5);
  mock.method(browser, 'fetch', async () => {
    throw new Error('the site restarts too');
  });
  sockets = [];
  applied = [];
  reloads = 0;
  Object.assign(globalThis, {
    location: { protocol: 'https:', href: 'https://site.example/', reload: () => reloads++ },
    document: { querySelector: () => ({ dataset: { liveCursor: at(5) } }) },
    channelID: 'room',
    process_updates: (each) => applied.push(each),
    WebSocket: class {
      constructor(url) {
        sockets.push(Object.assign(this, { url }));
      }
      close() {
        this.onclose({ code: 1005, reason: '' });
      }
    },
  });
  publisher = new GenericWebsocketPublisher('site.example');
  publisher.start();
});
afterEach(() => {
  mock.timers.reset();
  mock.restoreAll();
});
const say = (each) => sockets.at(-1).onmessage({ data: JSON.stringify(each) });
const settle = () => new Promise((resolve) => setImmediate(resolve));

test('the delay of a server comes on top of a back-off that grows', () => {
  const gaps = [];
  for (let turn = 0; turn < 3; turn++) {
    const count = sockets.length;
    const lost = Date.now();
    sockets.at(-1).onclose({ code: 1012, reason: 'retry in 1000 ms' });
    while (sockets.length === count) mock.timers.tick(50);
    gaps.push(Date.now() - lost);
  }
  assert.deepEqual(gaps, [1250, 1500, 2000]);
});

test('a reload follows from the head meanwhile, and leaves the page alone while the site does not answer', async () => {
  say(hello(9, { reload: true }));
  say(frame(9, 10));
  assert.equal(applied.length, 2, 'the stream goes on');
  assert.equal(sockets.length, 1);
  mock.timers.tick(5000);
  await settle();
  assert.equal(browser.fetch.mock.callCount(), 1);
  assert.equal(reloads, 0, 'a page that works is not given up for an error page');
  mock.timers.tick(65_000);
  await settle();
  assert.equal(browser.fetch.mock.callCount(), 2);
});

test('a reset makes the reload needless', async () => {
  say(hello(9, { reload: true }));
  say(frame(9, 10, { reset: true }));
  mock.timers.tick(600_000);
  await settle();
  assert.equal(browser.fetch.mock.callCount(), 0);
});

test('a page of PieSocket connects to its endpoint with its key, and comes back with its cursor', () => {
  Object.assign(globalThis, { piesocketApiKey: 'a+key', piesocketEndpoint: 'us-nyc-1.piesocket.com/v3/', document: { querySelector: () => null } });
  new PieSocketPublisher().start();
  assert.equal(sockets.at(-1).url, 'wss://us-nyc-1.piesocket.com/v3/room?api_key=a%2Bkey');
  say({ event: 'system:member_joined', data: { members: [] } });
  say({ renders: { 1: { show: true, content: '<p data-post-id="1"></p>' } }, removals: [] });
  assert.equal(applied.length, 1, "the service's own messages are passed over");
  sockets.at(-1).onclose({ code: 1006, reason: '' });
  mock.timers.tick(1000);
  assert.equal(sockets.at(-1).url, 'wss://us-nyc-1.piesocket.com/v3/room?api_key=a%2Bkey', 'the service has no cursors');
  say(frame(9, 10));
  sockets.at(-1).onclose({ code: 4100, reason: '' });
  mock.timers.tick(1000);
  assert.equal(sockets.at(-1).url, `wss://us-nyc-1.piesocket.com/v3/room?api_key=a%2Bkey&cursor=${at(10)}`);
});
