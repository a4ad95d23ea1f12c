/** The same live blog on every framework: a reporter posts, edits, hides and deletes, and readers see it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isLive, NETWORK, openPage, openReader } from './support/browser.js';
import { eventually } from './support/eventually.js';
import { startExample } from './support/example.js';
import { takeScreenshot } from './support/look.js';
import { domPosts } from './support/posts.js';
import { startReadersServer, startRedis } from './support/process.js';

const PUBLISHERS = ['websocket', 'sse', 'long-polling', 'interval-polling'];

/** How each is started. @type {Record<string, (t: import('node:test').TestContext, args: string[]) => ReturnType<typeof startExample>>} */
const EXAMPLES = {
  axum: (t, args) => startExample(t, args, 'example-axum'),
  actix: (t, args) => startExample(t, args, 'example-actix'),
  warp: (t, args) => startExample(t, args, 'example-warp'),
  /** Two processes that meet on Redis. */
  tungstenite: async (t, args) => {
    const bus = `redis+pubsub://${await startRedis(t)}/1`;
    const readers = await startReadersServer(t, bus);
    return startExample(t, [...args, '--redis', bus, '--readers', `http://${readers}`], 'example-tungstenite-site');
  },
};

/** Waits until the page shows posts that end in these words, top first. @param {import('playwright-core').Page} page @param {string[]} words */
const shows = (page, words) =>
  eventually(async () => {
    const posts = await domPosts(page);
    assert.equal(posts.length, words.length, posts.map(({ text }) => text).join(' | '));
    for (const [index, post] of posts.entries()) assert.ok(post.text.trim().endsWith(words[index]), `${post.text} ends in ${words[index]}`);
  });

describe('the live blog', { concurrency: 2 }, () => {
  for (const [framework, start] of Object.entries(EXAMPLES)) {
    test(`on ${framework}: what a reporter does by keyboard, readers see`, async (t) => {
      const site = await start(t, []);
      const reader = await openReader(t, site.url);
      await isLive(reader, 'websocket');
      const desk = await openPage(t, `${site.url}/compose#token=${site.token}`);
      const press = async (...keys) => {
        for (const key of keys) await desk.keyboard.press(key);
      };
      const said = (text) => eventually(async () => assert.equal(await desk.innerText('#status'), text));
      const post = async (text) => {
        await desk.fill('#text', text);
        await press('Control+Enter');
        await desk.waitForFunction(() => document.querySelector('#text').value === '');
        await said('Posted.');
      };
      await desk.locator('#text').focus();
      await post('First words');
      await post('Second words');
      await shows(reader, ['Second words', 'First words']);

      await press('Tab', 'Tab', 'Tab', 'Tab', 'e', 'Control+A');
      await desk.keyboard.type('Better words');
      await press('Control+Enter');
      await said('Saved.');
      await shows(reader, ['Better words', 'First words']);
      await takeScreenshot(reader, `example-${framework}`);

      await press('h');
      await said('Hidden.');
      await shows(reader, ['First words']);
      assert.ok(!(await reader.content()).includes('Better words'), 'what is hidden is not in the page');
      await press('h');
      await said('Shown again.');
      await shows(reader, ['Better words', 'First words']);
      await press('Delete');
      await said('Deleted.');
      await shows(reader, ['First words']);
      await shows(await openReader(t, site.url), ['First words']);
    });
  }

  for (const framework of ['axum', 'actix', 'warp']) {
    test(`on ${framework}: readers of every publisher see the same`, async (t) => {
      for (const publisher of PUBLISHERS) {
        const site = await EXAMPLES[framework](t, ['--publisher', publisher]);
        const reader = await openReader(t, site.url, { expected: NETWORK });
        await isLive(reader, publisher);
        await site.post('one', { id: 'a' });
        await site.post('two', { id: 'b' });
        await site.edit('a', 'one, edited');
        await shows(reader, ['two', 'one, edited']);
        await site.act('b', 'hide');
        await shows(reader, ['one, edited']);
        await site.delete('a');
        await shows(reader, []);
        assert.equal(await site.stop(), 0, 'it drains and ends while somebody reads');
        await reader.close();
      }
    });
  }
});
