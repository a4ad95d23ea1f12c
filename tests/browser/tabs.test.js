/** What a reporter does shows in every tab, in the same order, with the same words; and nothing else does. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { listenIn, newContext, openPage, openReader } from './support/browser.js';
import { startExample } from './support/example.js';
import { allShow, domIds, domPosts, wireFrame } from './support/posts.js';

const SECRET = 'the source wants to stay unnamed';

/** The text of every answer that a reader can get. @param {string} url @param {string} cursor from before the post was hidden */
const everything = async (url, cursor) => {
  const updates = ['*', cursor].map((each) => `/live/updates/blog/?cursor=${each}`);
  const paths = ['/', '/?all', '/posts/a', '/compose', ...updates, '/live/get-updates/blog/?last_update_ts=0'];
  const texts = await Promise.all(paths.map(async (path) => (await fetch(url + path)).text()));
  const handshake = await (await fetch(`${url}/live/get-updates/blog/`, { method: 'POST' })).text();
  const events = (await fetch(`${url}/live/events/blog/?cursor=*`)).body.getReader();
  const { value } = await events.read();
  await events.cancel();
  return [...texts, handshake, new TextDecoder().decode(value)];
};

describe('what a reporter does', { concurrency: 2 }, () => {
  test('two tabs see a post, an edit, a hide, a show, a pin, an unpin, a delete and its undo', async (t) => {
    const site = await startExample(t);
    const context = await newContext(t);
    const tabs = [await openReader(t, site.url, { context }), await openReader(t, site.url, { context })];
    /** @param {string[]} ids top first */
    const show = async (...ids) => {
      const posts = await allShow(site.url, tabs);
      assert.deepEqual(posts.map(({ id }) => id), ids);
      return posts;
    };
    for (const id of ['a', 'b', 'c']) await site.post(`post ${id}`, { id, author: 'Jo' });
    await show('c', 'b', 'a');
    await site.edit('b', 'other words\n\nin two paragraphs & <b>no bold</b>');
    const [, edited] = await show('c', 'b', 'a');
    assert.match(edited.text, /Edited .*other wordsin two paragraphs & <b>no bold<\/b>$/);
    await site.act('c', 'hide');
    await show('b', 'a');
    await site.act('c', 'show');
    await show('c', 'b', 'a');
    await site.act('a', 'pin');
    await show('a', 'c', 'b');
    await site.act('b', 'pin');
    await show('b', 'a', 'c');
    await site.act('b', 'unpin');
    await show('a', 'c', 'b');
    await site.delete('c');
    await show('a', 'b');
    await site.act('c', 'restore');
    await show('a', 'c', 'b');
  });

  test('a tab that opens later, and one that reloads, show what the others show', async (t) => {
    const site = await startExample(t);
    const early = await openReader(t, site.url);
    for (const id of ['a', 'b', 'c', 'd']) await site.post(`post ${id}`, { id });
    await site.act('a', 'pin');
    await site.act('b', 'hide');
    await site.delete('c');
    await allShow(site.url, [early]);
    const late = await openReader(t, site.url);
    assert.deepEqual(await domIds(late), ['a', 'd']);
    await site.post('post e', { id: 'e' });
    await allShow(site.url, [early, late]);
    await early.reload();
    assert.deepEqual(await domPosts(early), await domPosts(late));
  });

  test('ids and words that are not plain stay what they are', async (t) => {
    const site = await startExample(t);
    const reader = await openReader(t, site.url);
    const words = [
      '\u{1F680} Ünïcödé שלום \u202Eright to left',
      '<script>alert(1)</script> &amp; "quotes"',
      '-->]]>{{7*7}}${1}%00',
      'https://example.org/?a=1&b=<2> (see http://x.test/).',
    ];
    for (const [index, text] of words.entries()) await site.post(text, { id: `10${index} ü/é#?%` });
    const posts = await allShow(site.url, [reader]);
    assert.deepEqual(posts.map(({ id }) => id), ['103 ü/é#?%', '102 ü/é#?%', '101 ü/é#?%', '100 ü/é#?%']);
    for (const [index, post] of posts.reverse().entries()) assert.ok(post.text.endsWith(words[index]), post.text);
    await site.edit('101 ü/é#?%', 'edited');
    await site.delete('102 ü/é#?%');
    await allShow(site.url, [reader]);
    await reader.click('[data-post-id="101 ü/é#?%"] .permalink');
    await reader.waitForURL(/\/posts\/101/);
    assert.match(await reader.textContent('article'), /edited$/);
  });

  test('what is hidden is on no page, in no page source and in no byte of the wire', async (t) => {
    const site = await startExample(t);
    const { frames, prepare } = listenIn();
    const reader = await openReader(t, site.url, { prepare });
    await site.post('harmless', { id: 'a' });
    await allShow(site.url, [reader]);
    const { cursor } = await wireFrame(site.url);
    frames.length = 0;
    await site.act('a', 'hide');
    await site.edit('a', SECRET);
    await site.act('a', 'pin');
    await site.post('last', { id: 'b' });
    await allShow(site.url, [reader]);
    assert.deepEqual(await domIds(reader), ['b']);
    const late = await openReader(t, site.url);
    const seen = [...frames.map((frame) => JSON.stringify(frame)), await reader.content(), await late.content(), ...(await everything(site.url, cursor))];
    assert.ok(frames.length >= 4, 'each act was a frame');
    assert.deepEqual(seen.filter((text) => /unnamed|harmless/.test(text)), []);
    assert.equal(await reader.$eval('[data-post-id=a]', (post) => post.outerHTML.replace(/ data-live-sort="\d+"/, '')), '<div data-post-id="a" hidden=""></div>');
    await site.act('a', 'show');
    await allShow(site.url, [reader, late]);
    assert.ok((await domPosts(late))[0].text.endsWith(SECRET), 'it comes back with the words that it has now');
  });

  test('the composer shows what is hidden to nobody but its reporter', async (t) => {
    const site = await startExample(t);
    await site.post(SECRET, { id: 'a' });
    await site.act('a', 'hide');
    const stranger = await openPage(t, `${site.url}/compose`);
    await stranger.waitForSelector('#sign-in:not([hidden])');
    assert.ok(!(await stranger.content()).includes('unnamed'));
    const reporter = await openPage(t, `${site.url}/compose#token=${site.token}`);
    await reporter.getByText(SECRET).waitFor();
    assert.ok(!reporter.url().includes(site.token), 'the token leaves the address bar');
  });
});
