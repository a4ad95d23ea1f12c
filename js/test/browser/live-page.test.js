import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { chromium } from 'playwright-core';
import { FakeLive, pageHtml, post } from './fake-live.js';

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

/** Opens the page and waits until it is live. */
const open = async (options = {}) => {
  const context = await browser.newContext({ viewport: { width: 800, height: 600 }, timezoneId: 'America/New_York', locale: 'en-US', ...options });
  page = await context.newPage();
  page.setDefaultTimeout(8000);
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => /Content Security|TrustedHTML|Trusted/i.test(message.text()) && errors.push(message.text()));
  await page.goto(live.url);
};
const openLive = async (options) => {
  await open(options);
  await page.waitForSelector('live-page[data-live-state=live]');
};
const ids = () => page.$$eval('[data-post-id]', (posts) => posts.map((each) => each.dataset.postId));
const has = (text) => page.waitForFunction((wanted) => document.querySelector('live-page, #live-posts').textContent.includes(wanted), text);
const noErrors = () => {
  assert.deepEqual(errors, []);
  assert.deepEqual(live.violations, []);
};
const three = () => [['c', 30, 'third'], ['b', 20, 'second'], ['a', 10, 'first']];
const many = () => Array.from({ length: 40 }, (_, index) => [`p${40 - index}`, 40 - index, `post ${40 - index} `.repeat(20)]);

test('an edit changes its post in place and leaves the others untouched', async () => {
  live.html = pageHtml(live, three());
  await openLive();
  await page.evaluate(() => (window.others = ['a', 'c'].map((id) => [...document.querySelectorAll('[data-post-id]')].find((each) => each.dataset.postId === id))));
  live.publish({ b: { content: post('b', 'edited'), sort: 20 } });
  await has('edited');
  assert.deepEqual(await ids(), ['c', 'b', 'a']);
  assert.ok(await page.evaluate(() => window.others.every((node) => node.isConnected)));
  noErrors();
});

test('a post that comes again as it was is not touched', async () => {
  live.html = pageHtml(live, three());
  await openLive();
  const again = { d: { content: post('d', 'new'), sort: 40 }, b: { content: post('b', 'second'), sort: 20 } };
  live.publish(again);
  await has('new');
  await page.evaluate(() => (window.kept = [...document.querySelectorAll('[data-post-id]')]));
  live.publish({ ...again, e: post('e', 'the end') });
  await has('the end');
  assert.ok(await page.evaluate(() => window.kept.every((node) => node.isConnected)));
});

test('posts stand by sort, not by the order of keys', async () => {
  live.html = pageHtml(live, three());
  await openLive();
  live.publish({ 9: { content: post('9', 'pinned'), sort: 2 ** 52 + 1 }, 10: { content: post('10', 'between'), sort: 15 }, x: { content: post('x', 'top'), sort: 40 } });
  await has('top');
  assert.deepEqual(await ids(), ['9', 'x', 'c', 'b', '10', 'a']);
  live.publish({ a: null, 9: { content: post('9', 'unpinned'), sort: 5 } });
  await has('unpinned');
  assert.deepEqual(await ids(), ['x', 'c', 'b', '10', '9']);
});

test('what was published after the page was rendered comes with the first frame', async () => {
  live.html = pageHtml(live, three());
  live.publish({ d: post('d', 'since then') });
  await openLive();
  await has('since then');
  assert.deepEqual(await ids(), ['d', 'c', 'b', 'a']);
  assert.match(live.requests.find((each) => each.startsWith('WS')), /cursor=00000000000000aa-1000$/);
  assert.equal(await page.getAttribute('live-page', 'data-live-cursor'), live.head);
});

test('a hidden post takes no space and one without content stays hidden', async () => {
  live.html = pageHtml(live, three());
  await openLive();
  live.publish({ b: { content: '<div data-post-id="b" hidden></div>', show: false, sort: 20 } });
  await page.waitForSelector('div[data-post-id=b]', { state: 'hidden' });
  assert.deepEqual(await ids(), ['c', 'b', 'a']);
});

test('new posts get the wrapper that the others have', async () => {
  live.html = pageHtml(live, []).replace('</live-page>', '<ul data-live-posts><li id="w" class="card"><div data-post-id="a" data-live-sort="1">one</div></li></ul></live-page>');
  await openLive();
  live.publish({ b: { content: '<div data-post-id="b">two</div>', sort: 2 }, a: { content: '<div data-post-id="a">one!</div>', sort: 1 } });
  await has('one!');
  assert.equal(await page.$eval('ul', (list) => list.innerHTML.replace(/ data-live-sort="\d"| tabindex="-1"/g, '')),
    '<li class="card"><div data-post-id="b" class="live-new">two</div></li><li id="w" class="card"><div data-post-id="a">one!</div></li>');
});

test('a reader who has scrolled gets a button and no jump', async () => {
  live.html = pageHtml(live, many());
  await openLive();
  await page.evaluate(() => {
    scrollTo(0, 900);
    document.documentElement.style.scrollBehavior = 'smooth';
  });
  const top = () => page.$$eval('[data-post-id]', (posts) => posts.find((each) => each.dataset.postId === 'p20').getBoundingClientRect().top);
  const before = await top();
  live.publish({ n1: post('n1', 'new one'), n2: post('n2', 'new two') });
  await page.waitForSelector('.live-more:not([hidden])');
  assert.equal(await page.textContent('.live-more'), '2 new posts');
  assert.ok(Math.abs((await top()) - before) < 1, `moved by ${(await top()) - before}`);
  assert.ok((await page.$eval('.live-more', (button) => button.getBoundingClientRect().top)) >= 0, 'the button is in view');
  // Above the viewport: an edit that grows, and a removal.
  live.publish({ p40: { content: post('p40', 'long '.repeat(400)), sort: 40 } });
  await has('long long');
  assert.ok(Math.abs((await top()) - before) < 1, `moved by ${(await top()) - before} after an edit`);
  live.publish({ p39: null });
  await page.waitForFunction(() => ![...document.querySelectorAll('[data-post-id]')].some((each) => each.dataset.postId === 'p39'));
  assert.ok(Math.abs((await top()) - before) < 1, 'moved after a removal');
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  assert.ok(Math.abs((await top()) - before) < 1, 'moved after a frame');
  assert.equal(await page.getAttribute('live-page', 'data-live-cursor'), '00000000000000aa-1000', 'a clone would miss what waits');
  await page.click('.live-more');
  await page.waitForFunction(() => document.activeElement.dataset.postId === 'n2');
  assert.deepEqual((await ids()).slice(0, 3), ['n2', 'n1', 'p40']);
  assert.ok(await page.isHidden('.live-more'));
  assert.equal(await page.getAttribute('live-page', 'data-live-cursor'), live.head);
  await page.waitForFunction(() => scrollY < 60);
  noErrors();
});

test('a scrolling box keeps its place as the page does', async () => {
  live.html = pageHtml(live, []).replace('</live-page>', `<div data-live-posts>${many().map(([id, sort, text]) => `<p data-post-id="${id}" data-live-sort="${sort}">${text}</p>`).join('')}</div></live-page>`);
  await openLive();
  await page.evaluate(() => {
    const box = document.querySelector('[data-live-posts]');
    box.style.cssText = 'height:300px;overflow-y:auto';
    box.scrollTop = 500;
  });
  const top = () => page.$$eval('[data-post-id]', (posts) => posts.find((each) => each.dataset.postId === 'p28').getBoundingClientRect().top);
  const before = await top();
  live.publish({ p40: null, n: { content: '<p data-post-id="n">new</p>', sort: 99 } });
  await page.waitForSelector('.live-more:not([hidden])');
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  assert.ok(Math.abs((await top()) - before) < 1, `moved by ${(await top()) - before}`);
});

test('a post that the reader types in, selects or plays is changed later', async () => {
  live.html = pageHtml(live, [['c', 30, 'third', '<input id="field">'], ['b', 20, 'second'], ['a', 10, 'first']]);
  await openLive();
  await page.fill('#field', 'typing');
  live.publish({ c: { content: post('c', 'edited 1'), sort: 30 }, b: { content: post('b', 'edited b'), sort: 20 } });
  await has('edited b');
  live.publish({ c: { content: post('c', 'edited 2'), sort: 30 } });
  await page.evaluate(() => getSelection().selectAllChildren(document.querySelectorAll('article')[2]));
  live.publish({ a: null });
  await page.waitForFunction((cursor) => document.querySelector('live-page').cursor === cursor, live.head);
  assert.equal(await page.inputValue('#field'), 'typing');
  assert.deepEqual(await ids(), ['c', 'b', 'a']);
  await page.evaluate(() => (getSelection().removeAllRanges(), document.activeElement.blur()));
  await has('edited 2');
  await page.waitForFunction(() => document.querySelectorAll('[data-post-id]').length === 2);
  assert.deepEqual(await ids(), ['c', 'b']);
});

test('scripts never run, and a strict policy has nothing to report', async () => {
  live.html = pageHtml(live, three(), { attributes: 'embeds="https://video.example"' });
  await openLive();
  await page.evaluate(() => (window.ran = 0));
  const bad = `<script>ran++</script><img src="/x" onerror="ran++"><a id="js" href=" java\tscript:ran++">x</a><p style="color:red">p</p>
    <form onsubmit="ran++"><input name="attributes"><input name="getAttributeNames" autofocus></form><svg onload="ran++"><script>ran++</script></svg>
    <style>p{color:red}</style><iframe src="https://other.example/x" title="A film"></iframe><iframe src="https://video.example/y" srcdoc="<script>ran++</script>"></iframe>
    <iframe src="javascript:ran++"></iframe><live-page channel="inner"></live-page>`;
  live.publish({ e: { content: post('e', 'evil', bad), sort: 40 }, b: { content: post('b', 'evil edit', bad), sort: 20 } });
  await has('evil edit');
  await page.evaluate(() => document.querySelector('#js').click());
  await page.waitForTimeout(100);
  assert.equal(await page.evaluate(() => window.ran), 0);
  assert.equal(await page.$$eval('article script, article style, article [style], article [onerror], article live-page', (all) => all.length), 0);
  assert.deepEqual(await page.$$eval('article:first-of-type iframe', (all) => all.map((each) => [each.getAttribute('src'), each.hasAttribute('srcdoc')])), [['https://video.example/y', false]]);
  assert.equal(await page.$eval('article a[rel]', (link) => `${link.textContent} ${link.href}`), 'A film https://other.example/x');
  noErrors();
});

test('embeds are links unless their origin is allowed', async () => {
  live.html = pageHtml(live, three());
  await openLive();
  live.publish({ d: post('d', 'film', '<iframe src="https://video.example/y"></iframe>') });
  await has('film');
  assert.equal(await page.$$eval('iframe', (all) => all.length), 0);
  assert.equal(await page.textContent('article a'), 'https://video.example/y');
});

test('times stand in the zone and language of the reader', async () => {
  const time = '<time datetime="2026-01-05T15:00:00Z">15:00 UTC</time>';
  live.html = pageHtml(live, [['a', 1, 'one', time]]);
  await openLive();
  live.publish({ b: post('b', 'two', `${time}<span data-live-time="off">${time}</span><time datetime="2026-01-05">that day</time>`) });
  await has('two');
  const texts = await page.$$eval('time', (all) => all.map((each) => each.textContent.replace(/\s/g, ' ')));
  assert.deepEqual(texts, ['Jan 5, 2026, 10:00 AM', '15:00 UTC', 'that day', 'Jan 5, 2026, 10:00 AM']);
  assert.match(await page.$eval('time', (each) => each.title), /Monday, January 5, 2026/);
});

test('one polite live region sums up what came', async () => {
  live.html = pageHtml(live, three());
  await openLive();
  assert.equal(await page.textContent('[role=status]'), '');
  live.publish({ d: post('d', 'd'), e: post('e', 'e'), a: { content: post('a', 'again'), sort: 10 } });
  await has('again');
  assert.equal(await page.textContent('[role=status]'), '2 new posts, 1 update');
  live.publish({ f: post('f', 'quiet') });
  await has('quiet');
  assert.equal(await page.textContent('[role=status]'), '2 new posts, 1 update', 'not again within ten seconds');
  assert.ok((await page.$eval('[role=status]', (region) => region.getBoundingClientRect().width)) <= 1);
});

test('a reload swaps the posts of a fresh copy by key and follows from its cursor', async () => {
  live.html = pageHtml(live, three());
  await page?.context().close();
  await open();
  await page.waitForSelector('live-page[data-live-state=live]');
  await page.evaluate(() => {
    customElements.get('live-page').environment.random = () => 0.01;
    window.kept = document.querySelectorAll('article')[1];
  });
  // A log that begins anew, on a server that does not hold the whole page.
  live.epoch = '00000000000000bb';
  const copy = live.head;
  live.html = pageHtml(live, [['d', 40, 'fresh'], ['b', 20, 'second'], ['a', 10, 'changed']]);
  live.version++;
  live.posts.set('e', { version: live.version, render: { show: true, content: post('e', 'after the copy'), sort: 50 } });
  live.send({ renders: {}, removals: [], cursor: live.head, prev: live.head, reload: true });
  await has('changed');
  await has('after the copy');
  assert.deepEqual(await ids(), ['e', 'd', 'b', 'a']);
  assert.ok(await page.evaluate(() => window.kept.isConnected), 'an unchanged post keeps its node');
  assert.ok(live.requests.some((each) => each.startsWith('WS') && each.endsWith(copy)), 'reconnects with the cursor of the copy');
  noErrors();
});

test('a reset replaces the whole page, and an unknown cursor gets one', async () => {
  live.html = pageHtml(live, three());
  live.posts.set('b', { version: 1, render: { show: true, content: '<article data-post-id="b"><p>second</p></article>', sort: 20 } });
  live.epoch = '00000000000000bb';
  await openLive();
  await page.waitForFunction(() => document.querySelectorAll('[data-post-id]').length === 1);
  assert.deepEqual(await ids(), ['b']);
});

test('a restarted server is found again with the cursor, after the delay it gave', async () => {
  live.html = pageHtml(live, three());
  await openLive();
  live.publish({ d: post('d', 'before') });
  await has('before');
  const cursor = live.head;
  live.close();
  await page.waitForSelector('live-page[data-live-state=connecting]');
  live.publish({ e: post('e', 'meanwhile') });
  await has('meanwhile');
  assert.ok(live.requests.at(-1).endsWith(`cursor=${cursor}`));
  noErrors();
});

test('a stream of Server-Sent Events ends with a code and a delay', async () => {
  live.html = pageHtml(live, three(), { attributes: 'transports="sse"' });
  await openLive();
  await page.evaluate(() => {
    customElements.get('live-page').environment.random = () => 0.01;
    window.asked = 0;
    addEventListener('live-unauthorized', () => asked++);
  });
  const cursor = live.head;
  const started = Date.now();
  live.close(1012, 'the server restarts; retry in 1500 ms');
  live.publish({ d: post('d', 'meanwhile') });
  await has('meanwhile');
  assert.ok(Date.now() - started >= 1500, `back after ${Date.now() - started} ms`);
  assert.ok(live.requests.at(-1).endsWith(`cursor=${cursor}`));
  live.close(4100, '');
  await page.waitForFunction(() => window.asked === 1);
  await page.waitForSelector('live-page[data-live-state=live]');
  live.close(1008, '');
  await page.waitForSelector('live-page[data-live-state=closed]');
  noErrors();
});

test('a reload that waits is not forgotten when the element moves, changes or is cloned', { timeout: 20_000 }, async () => {
  live.html = pageHtml(live, three());
  await openLive();
  const cursor = live.head;
  live.epoch = '00000000000000bb';
  const reload = { renders: { b: { content: post('b', 'follows the head'), sort: 20 } }, removals: [], reload: true };
  const joins = () => live.requests.filter((each) => each.startsWith('WS')).map((each) => each.split('cursor=')[1]);
  live.join = () => ({ ...reload, cursor: live.head, prev: live.head });
  live.send(live.join());
  await has('follows the head');
  assert.equal(await page.getAttribute('live-page', 'data-live-cursor'), cursor);
  await page.evaluate(() => document.body.append(document.querySelector('live-page')));
  while (joins().length < 2) await page.waitForTimeout(10);
  await page.waitForSelector('live-page[data-live-state=live]');
  await page.evaluate(() => document.querySelector('live-page').setAttribute('poll-interval', '5000'));
  while (joins().length < 3) await page.waitForTimeout(10);
  await page.waitForSelector('live-page[data-live-state=live]');
  await page.evaluate(() => document.querySelector('live-page').replaceWith(document.querySelector('live-page').cloneNode(true)));
  while (joins().length < 4) await page.waitForTimeout(10);
  assert.deepEqual(joins(), [cursor, cursor, cursor, cursor]);
  // The last life gets its copy, and from then on the cursor moves again.
  await page.waitForSelector('live-page[data-live-state=live]');
  live.join = undefined;
  live.version++;
  live.html = pageHtml(live, [['d', 40, 'fresh']]);
  await page.evaluate(() => (customElements.get('live-page').environment.random = () => 0.01));
  live.send({ ...reload, cursor: live.head, prev: live.head });
  await has('fresh');
  await page.waitForFunction((head) => document.querySelector('live-page').dataset.liveCursor === head, live.head);
  noErrors();
});

test('a closed code ends it for good, until the site reconnects', async () => {
  live.html = pageHtml(live, three());
  await openLive();
  await page.evaluate(() => (window.asked = 0, addEventListener('live-unauthorized', () => asked++)));
  live.close(4100, '');
  await page.waitForFunction(() => window.asked === 1);
  await page.waitForSelector('live-page[data-live-state=live]');
  live.close(1008, 'no');
  await page.waitForSelector('live-page[data-live-state=closed]');
  await page.evaluate(() => document.querySelector('live-page').reconnect());
  await page.waitForSelector('live-page[data-live-state=live]');
});

for (const [transport, broken, attribute] of [
  ['sse', { websocket: true }, 'websocket sse'],
  ['long-polling', { websocket: true, sse: true }, 'long-polling'],
  ['interval-polling', {}, 'interval-polling'],
]) {
  test(`posts come over ${transport}`, async () => {
    live.broken = { ...live.broken, ...broken };
    live.html = pageHtml(live, three(), { attributes: `transports="${attribute}"` });
    await open();
    await page.waitForSelector(`live-page[data-live-state=live][data-live-transport=${transport}]`);
    live.publish({ d: post('d', 'one') });
    await has('one');
    live.publish({ d: post('d', 'two'), c: null });
    await has('two');
    assert.deepEqual(await ids(), ['d', 'b', 'a']);
    noErrors();
  });
}

test('all transports are tried in turn, and a busy server is asked again when it said', async () => {
  live.broken = { websocket: true, sse: true, polling: 503 };
  live.html = pageHtml(live, three());
  await open();
  await page.evaluate(() => (customElements.get('live-page').environment.random = () => 0.01));
  await page.waitForFunction(() => document.querySelector('live-page').dataset.liveTransport === 'long-polling');
  live.broken.polling = 0;
  await page.waitForSelector('live-page[data-live-state=live][data-live-transport=long-polling]');
});

test('going offline stops it and going online connects at once', async () => {
  live.html = pageHtml(live, three());
  await openLive();
  await page.context().setOffline(true);
  await page.waitForSelector('live-page[data-live-state=offline]');
  live.publish({ d: post('d', 'meanwhile') });
  await page.context().setOffline(false);
  await has('meanwhile');
});

test('a page kept for the way back connects again, and so does one whose heartbeat is late when it is looked at', async () => {
  live.html = pageHtml(live, three());
  await openLive();
  await page.evaluate(() => dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true })));
  await page.waitForSelector('live-page[data-live-state=offline]');
  live.publish({ d: post('d', 'meanwhile') });
  await page.evaluate(() => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })));
  await has('meanwhile');
  const opened = () => live.requests.filter((each) => each.startsWith('WS')).length;
  assert.equal(opened(), 2);
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
  assert.equal(opened(), 2);
  await page.evaluate(() => {
    customElements.get('live-page').environment.now = () => Date.now() + 36_000;
    document.dispatchEvent(new Event('visibilitychange'));
  });
  while (opened() < 3) await page.waitForTimeout(10);
});

test('a post that plays is changed when it stops', async () => {
  live.html = pageHtml(live, [['a', 1, 'one', '<video muted></video>']]);
  await openLive();
  await page.evaluate(async () => {
    const video = document.querySelector('video');
    video.srcObject = document.createElement('canvas').captureStream(5);
    video.play().catch(() => {});
  });
  live.publish({ a: { content: post('a', 'edited'), sort: 1 }, b: post('b', 'another') });
  await has('another');
  assert.equal(await page.$$eval('video', (all) => all.length), 1);
  await page.evaluate(() => document.querySelector('video').pause());
  await has('edited');
});

test('events tell the site what happened', async () => {
  live.html = pageHtml(live, three());
  await openLive();
  await page.evaluate(() => {
    window.seen = [];
    for (const name of ['live-state', 'live-update']) document.addEventListener(name, ({ type, detail }) => seen.push([type, detail]));
  });
  live.publish({ d: post('d', 'new'), a: null });
  live.send({ renders: {}, removals: [], cursor: live.head, prev: live.head });
  await has('new');
  live.close(4000, 'retry in 1 ms');
  await page.waitForFunction(() => seen.length === 3);
  assert.deepEqual(await page.evaluate(() => seen), [
    ['live-update', { renders: ['d'], removals: ['a'], cursor: live.head }],
    ['live-state', { state: 'connecting', transport: 'websocket' }],
    ['live-state', { state: 'live', transport: 'websocket' }],
  ]);
});

test('labels are those of the site', async () => {
  live.html = pageHtml(live, many(), { attributes: 'label-new="{n} Neuigkeit|{n} Neuigkeiten"' });
  await openLive({ reducedMotion: 'reduce' });
  await page.evaluate(() => scrollTo(0, 900));
  live.publish({ n1: post('n1', 'new one') });
  await page.waitForSelector('.live-more:not([hidden])');
  assert.equal(await page.textContent('.live-more'), '1 Neuigkeit');
  assert.equal(await page.textContent('[role=status]'), '1 Neuigkeit');
  live.publish({ n1: null });
  await page.waitForSelector('.live-more[hidden]', { state: 'attached' });
  live.publish({ n2: post('n2', 'new two') });
  await page.waitForSelector('.live-more:not([hidden])');
  await page.click('.live-more');
  assert.ok((await page.evaluate(() => scrollY)) < 60, 'no smooth scrolling for those who do not want motion');
});

test('leaving the document ends the connection; a clone goes on from where it was', async () => {
  live.html = pageHtml(live, three());
  await openLive();
  await page.evaluate(() => (window.gone = document.querySelector('live-page'), gone.remove()));
  while (live.sockets.size) await page.waitForTimeout(10);
  live.publish({ d: post('d', 'meanwhile') });
  await page.evaluate(() => document.body.append(window.gone.cloneNode(true)));
  await has('meanwhile');
  assert.equal(await page.$$eval('[role=status]', (all) => all.length), 1);
  assert.equal(live.sockets.size, 1);
});

test('an element made by script starts when it gets its channel, and again for another one', async () => {
  live.html = pageHtml(live, []).replace(/<live-page[^]*<\/live-page>/, '');
  await open();
  await page.waitForFunction(() => customElements.get('live-page'));
  await page.evaluate(() => document.body.append(document.createElement('live-page')));
  assert.deepEqual(live.requests.filter((each) => each.startsWith('WS')), []);
  await page.evaluate(() => document.querySelector('live-page').setAttribute('channel', 'a/b'));
  await page.waitForSelector('live-page[data-live-state=live]', { state: 'attached' });
  await page.evaluate(() => document.querySelector('live-page').setAttribute('channel', 'c'));
  while (live.requests.filter((each) => each.startsWith('WS')).length < 2) await page.waitForTimeout(10);
  assert.deepEqual(live.requests.filter((each) => each.startsWith('WS')).map((each) => each.split('?')[0]), ['WS /live/ws/channel/a%2Fb/', 'WS /live/ws/channel/c/']);
});

test('a heartbeat that says stale shows', async () => {
  live.html = pageHtml(live, three());
  await openLive();
  live.send({ renders: {}, removals: [], cursor: live.head, prev: live.head, stale: true });
  await page.waitForSelector('live-page[data-live-state=stale]');
  live.send({ renders: {}, removals: [], cursor: live.head, prev: live.head });
  await page.waitForSelector('live-page[data-live-state=live]');
});
