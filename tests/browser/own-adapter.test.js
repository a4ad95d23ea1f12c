/** An adapter and a publisher of one's own, as `examples/own-adapter` has them: the browser half on the interface of Wagtail Live. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { describe, test } from 'node:test';
import { listenIn, NETWORK, openPage, openReader, retrySoon } from './support/browser.js';
import { atEnd, lastResorts } from './support/cleanup.js';
import { eventually, within } from './support/eventually.js';
import { binary } from './support/example.js';
import { faintTexts, sidewaysScroll, takeScreenshot } from './support/look.js';

/** Milliseconds that it may take to start, and to end. Draining takes up to 20 s. */
const START = 10_000;
const END = 25_000;

/**
 * @param {import('node:test').TestContext} t
 * @param {string} publisher the setting
 * @param {string} [listen]
 */
const startSite = async (t, publisher, listen = '127.0.0.1:0') => {
  const child = spawn(binary('example-own-adapter'), [listen], { env: { ...process.env, LIVE_PUBLISHER: publisher, RUST_LOG: 'warn' } });
  const kill = () => child.kill('SIGKILL');
  lastResorts.add(kill);
  const ended = new Promise((resolve) => child.once('close', (code, signal) => resolve(signal ?? code)));
  const site = { url: '', errors: '', published: 0, ended };
  child.stderr.on('data', (data) => (site.errors += data));
  let printed = '';
  child.stdout.on('data', (data) => {
    printed += data;
    site.url = /^http:\S+\//m.exec(printed)?.[0] ?? '';
    site.published = printed.match(/^published /gm)?.length ?? 0;
  });
  /** One line for its standard input, taken in when this returns. @param {string} line */
  site.write = async (line) => {
    const wanted = site.published + 1;
    child.stdin.write(`${line}\n`);
    await eventually(() => assert.equal(site.published, wanted, site.errors));
  };
  /** Lets it end by itself. @returns {Promise<number | string>} its exit code */
  site.stop = () => {
    child.kill('SIGTERM');
    return within(END, ended, `the site did not end: ${site.errors}`);
  };
  atEnd(t, async () => {
    kill();
    await within(END, ended, 'the site survived SIGKILL');
    lastResorts.delete(kill);
    assert.doesNotMatch(site.errors, /panicked|ERROR/);
  });
  await Promise.race([eventually(() => assert.ok(site.url), START), ended]);
  // After another life of the site, a browser's own connection may have been given the port for a moment.
  if (!site.url && /in use/.test(site.errors)) return startSite(t, publisher, listen);
  return site;
};

/** What a page shows, top first. @param {import('playwright-core').Page} page @param {string[]} wanted */
const shows = (page, ...wanted) =>
  eventually(async () => {
    const texts = await page.$$eval('[data-post-id]', (posts) => posts.filter((post) => post.checkVisibility()).map((post) => post.textContent));
    assert.deepEqual(texts, wanted);
  });

/** What happens in one session: a page that is open goes through all of it. */
const follows = async (site, page) => {
  await site.write('one');
  await site.write('two <b>& a half</b>');
  await shows(page, 'two <b>& a half</b>', 'one');
  await site.write('/edit 1 the first');
  await site.write('three');
  await shows(page, 'three', 'two <b>& a half</b>', 'the first');
  await site.write('/hide 2');
  await shows(page, 'three', 'the first');
  await site.write('/delete 3');
  await shows(page, 'the first');
};

describe('own adapter', { concurrency: 2 }, () => {
  test('the own publisher is chosen by its name, and its page shows what is posted, edited, hidden and deleted', async (t) => {
    const site = await startSite(t, 'own');
    const heard = listenIn();
    const page = await openPage(t, site.url, { prepare: heard.prepare });
    await page.getByText('Live, over a publisher of our own.').waitFor();
    assert.equal(await page.locator('live-page').count(), 0);
    await follows(site, page);
    await site.write('A page that is open shows it at once.');
    await shows(page, 'A page that is open shows it at once.', 'the first');
    await takeScreenshot(page, 'own-adapter');
    assert.deepEqual([await sidewaysScroll(page), await faintTexts(page)], [0, []]);
    assert.match(heard.urls[0], /^ws:.*\/live\/ws\/channel\/blog\/\?cursor=[0-9a-f]{16}-\d+$/);
    // Loaded again, it comes from the site and not over the socket.
    await page.reload();
    await shows(page, 'A page that is open shows it at once.', 'the first');
  });

  test('what is posted between the HTML and the connection is not missed', async (t) => {
    const site = await startSite(t, 'own');
    const page = await openPage(t, site.url, {
      prepare: (page) => page.route('**/own-publisher.js', async (route) => {
        await site.write('in between');
        await route.continue();
      }),
    });
    await shows(page, 'in between');
  });

  test('after the server has gone and come back, a page shows what the new one has', async (t) => {
    const site = await startSite(t, 'own');
    const page = await openPage(t, site.url, { prepare: retrySoon, expected: NETWORK });
    await site.write('before');
    await shows(page, 'before');
    assert.equal(await site.stop(), 0, 'it drains and ends');
    await page.getByText('The connection is lost.').waitFor();
    const again = await startSite(t, 'own', new URL(site.url).host);
    await again.write('after');
    await shows(page, 'after');
  });

  test('without a name the page connects with the publisher of Live', async (t) => {
    const site = await startSite(t, '');
    const page = await openReader(t, site.url);
    await follows(site, page);
  });

  test('a name that nobody has is refused with those that there are', async (t) => {
    const site = await startSite(t, 'mine');
    assert.equal(await within(END, site.ended, 'it runs all the same'), 1);
    assert.match(site.errors, /no publisher is named "mine"; there are websocket, sse, long-polling, interval-polling, own/);
  });
});
