import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { chromium } from 'playwright-core';
import { FakeLive } from './fake-live.js';

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
let browser, live, page, errors;

before(async () => {
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', headless: true, args: FLAGS });
});
after(() => browser?.close());
beforeEach(async () => {
  live = await new FakeLive().start();
  errors = [];
});
afterEach(async () => {
  await page?.context().close();
  await live.stop();
});

/** The guide's lines, as it has them. */
const GUIDE = `
const baseURL = \`\${serverHost}:\${serverPort}\`;
const FrameworkOrLibraryPublisher = new GenericWebsocketPublisher(baseURL);
FrameworkOrLibraryPublisher.start(); 
`;
const wrapped = (id, text) => `<div class="live-post-wrapper"><div class="live-post" data-post-id="${id}">${text}</div></div>`;
const open = async (script, posts = wrapped('1', 'first')) => {
  live.script = `const serverHost = "127.0.0.1"; const serverPort = "${live.port}"; const channelID = "room";`;
  const run = script;
  live.html = `<!doctype html><div id="live-posts">${posts}</div><script src="/scripts.js"></script><script src="/live/wagtail-live.js"></script>`;
  page = await (await browser.newContext()).newPage();
  page.setDefaultTimeout(8000);
  page.on('pageerror', (error) => errors.push(String(error)));
  await page.goto(live.url);
  // As a script of its own, over the protocol, so that its constants are the page's as in the guide.
  const session = await page.context().newCDPSession(page);
  const { exceptionDetails } = await session.send('Runtime.evaluate', { expression: run, replMode: false });
  assert.equal(exceptionDetails, undefined);
};
const has = (text) => page.waitForFunction((wanted) => document.querySelector('#live-posts').textContent.includes(wanted), text);
const ids = () => page.$$eval('#live-posts > .live-post-wrapper > [data-post-id]', (posts) => posts.map((each) => each.dataset.postId));
const content = (id, text) => ({ content: `<div class="live-post" data-post-id="${id}">${text}</div>` });

test("the guide's lines run unchanged", async () => {
  await open(GUIDE);
  while (!live.sockets.size) await page.waitForTimeout(10);
  live.publish({ 2: content('2', 'second') });
  await has('second');
  assert.deepEqual(await ids(), ['2', '1']);
  live.publish({ 1: content('1', 'edited'), 2: null });
  await has('edited');
  assert.deepEqual(await ids(), ['1']);
  assert.deepEqual(errors, []);
  assert.deepEqual(live.violations, []);
});

test('after a lost connection it comes back with its cursor', async () => {
  await open(GUIDE);
  while (!live.sockets.size) await page.waitForTimeout(10);
  live.publish({ 2: content('2', 'second') });
  await has('second');
  live.close(1012, 'retry in 20 ms');
  live.publish({ 3: content('3', 'third') });
  await has('third');
  assert.deepEqual(await ids(), ['3', '2', '1']);
  assert.match(live.requests.at(-1), /^WS \/ws\/channel\/room\/\?cursor=/);
});

test('the three methods can be overridden, and process_updates takes frames of the original', async () => {
  await open(`
    class Mine extends GenericWebsocketPublisher {
      initialize_websocket_connection() { this.websocket = { url: this.baseURL }; }
      initialize_on_error_event() { this.errors = true; }
    }
    const mine = new Mine('elsewhere');
    mine.start();
    mine.websocket.onmessage({ data: JSON.stringify({ renders: { 5: { show: true, content: '<div data-post-id="5">five</div>' }, 6: { show: false, content: '<div data-post-id="6">six</div>' } }, removals: ['1'] }) });
    process_updates({ renders: { 7: { show: true, content: '<div data-post-id="7">seven</div>' } } });
    process_updates({ removals: ['7', 'nobody'] });
    window.mine = mine;
  `);
  assert.deepEqual(await ids(), ['6', '5']);
  assert.deepEqual(await page.evaluate(() => [mine.errors, mine.websocket.url, typeof getPostByID, typeof removeLivePost, typeof createLivePostWrapper, mine instanceof WebsocketPublisher]),
    [true, 'elsewhere', 'function', 'function', 'function', true]);
  assert.equal(await page.$eval('[data-post-id="6"]', (each) => each.getClientRects().length), 0);
  assert.deepEqual(live.sockets.size, 0);
  assert.deepEqual(errors, []);
});

test('posts of one frame stand by sort', async () => {
  await open(GUIDE, '');
  while (!live.sockets.size) await page.waitForTimeout(10);
  live.publish({ 1: { ...content('1', 'one'), sort: 30 }, 2: { ...content('2', 'two'), sort: 10 }, 3: { ...content('3', 'three'), sort: 20 } });
  await has('three');
  assert.deepEqual(await ids(), ['1', '3', '2']);
});

test('told to reload, it loads the page again once the site has a newer one', { timeout: 20_000 }, async () => {
  const marked = (inner) => `<i data-live-cursor="${live.head}"></i>${inner}`;
  await open(GUIDE, marked(wrapped('1', 'first')));
  while (!live.sockets.size) await page.waitForTimeout(10);
  await page.evaluate(() => {
    window.old = true;
    // Not a time: the reader waits 0 to 10 s, and after a copy that is not newer another minute.
    const { setTimeout } = window;
    window.setTimeout = (run, milliseconds) => setTimeout(run, milliseconds / 50);
  });
  const copies = () => live.requests.filter((each) => each === 'GET /').length;
  const reload = () => live.send({ renders: {}, removals: [], reload: true, cursor: live.head, prev: live.head });
  live.epoch = '00000000000000bb';
  reload();
  live.publish({ 2: content('2', 'follows the head') });
  await has('follows the head');
  while (copies() < 2) await page.waitForTimeout(10);
  assert.ok(await page.evaluate(() => window.old), 'a cached copy reloads nothing');
  live.html = live.html.replace(/data-live-cursor="[^"]*"/, `data-live-cursor="${live.head}"`).replace('first', 'fresh');
  await has('fresh');
  assert.equal(await page.evaluate(() => [window.old, performance.getEntriesByType('navigation')[0].type].join(' ')), ' reload');
  assert.deepEqual(errors, []);
});
