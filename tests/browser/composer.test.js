/** A reporter's day without a mouse, and what readers see of it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openPage, openReader } from './support/browser.js';
import { eventually } from './support/eventually.js';
import { startExample } from './support/example.js';
import { allShow } from './support/posts.js';

/**
 * The composer, its keyboard, and what readers see.
 * @param {import('node:test').TestContext} t
 * @param {RegExp} [expected] what the composer's browser may complain about
 */
const open = async (t, expected) => {
  const site = await startExample(t);
  const reader = await openReader(t, site.url);
  const page = await openPage(t, `${site.url}/compose`, { expected });
  const said = (text) => eventually(async () => assert.equal(await page.innerText('#status'), text));
  return {
    site, reader, page, said,
    /** @param {string[]} keys */
    press: async (...keys) => {
      for (const key of keys) await page.keyboard.press(key);
    },
    /** @param {string} text */
    type: (text) => page.keyboard.type(text),
    /** What has the focus: an element's own id, or that of the post. */
    focus: () => page.evaluate(() => document.activeElement.id || document.activeElement.dataset.id || document.activeElement.name),
    /** Waits until readers see these words, top first. @param {string[]} words */
    show: (...words) => eventually(async () => {
      const posts = await allShow(site.url, [reader]);
      assert.equal(posts.length, words.length);
      for (const [index, post] of posts.entries()) assert.ok(post.text.endsWith(words[index]), `${post.text} ends in ${words[index]}`);
    }),
  };
};

/** Signs in by the keyboard and posts two posts. @param {Awaited<ReturnType<typeof open>>} desk */
const postTwo = async ({ site, page, press, type, said, focus, show }) => {
  await eventually(async () => assert.equal(await focus(), 'token'));
  await type(site.token);
  await press('Enter');
  await eventually(async () => assert.equal(await focus(), 'text'));
  for (const text of ['First words', 'Second words']) {
    await type(text);
    await press('Control+Enter');
    await page.waitForFunction(() => document.querySelector('#text').value === '');
    await said('Posted.');
  }
  assert.equal(await focus(), 'text', 'the next post can follow at once');
  await show('Second words', 'First words');
};

describe('the composer', { concurrency: 2 }, () => {
  test('post, edit, hide, show, pin, unpin, delete and undo work by single keys', async (t) => {
    const desk = await open(t);
    const { press, type, said, focus, show, page } = desk;
    await postTwo(desk);
    // Author, Post, Keys; then one stop for the whole list.
    await press('Tab', 'Tab', 'Tab', 'Tab');
    const top = await focus();
    await press('e');
    assert.equal(await focus(), 'text');
    await press('Control+A');
    await type('Better words');
    await press('Control+Enter');
    await said('Saved.');
    assert.equal(await focus(), top, 'the focus is where it was');
    await show('Better words', 'First words');
    for (const [key, sentence, ...words] of [
      ['h', 'Hidden.', 'First words'],
      ['h', 'Shown again.', 'Better words', 'First words'],
      ['p', 'Pinned.', 'Better words', 'First words'],
      ['p', 'No longer pinned.', 'Better words', 'First words'],
      ['Delete', 'Deleted.', 'First words'],
      ['u', 'Brought back.', 'Better words', 'First words'],
    ]) {
      await press(key);
      await said(sentence);
      await show(...words);
    }
    await press('Home', 'j', 'p');
    await said('Pinned.');
    await show('First words', 'Better words');
    await press('?');
    assert.ok(await page.isVisible('#help'));
    await press('Escape', 'n');
    assert.equal(await focus(), 'text');
  });

  test('whoever knows no shortcuts reaches everything by Tab and Enter', async (t) => {
    const desk = await open(t);
    const { press, type, said, show } = desk;
    await postTwo(desk);
    await press('Tab');
    await type('Jo');
    await press('Tab', 'Tab', 'Tab', 'ArrowDown', 'Tab', 'Enter');
    await press('Control+End');
    await type(', and more');
    // Author, Save.
    await press('Tab', 'Tab', 'Enter');
    await said('Saved.');
    await show('Second words', 'First words, and more');
    await press('Tab', 'Tab', 'Enter');
    await said('Hidden.');
    await show('Second words');
    await press('Enter');
    await said('Shown again.');
    await press('Tab', 'Enter');
    await said('Pinned.');
    await show('First words, and more', 'Second words');
    await press('Tab', 'Enter');
    await said('Deleted.');
    await show('Second words');
  });

  test('an edit that is given up changes nothing, and a wrong token opens nothing', async (t) => {
    const desk = await open(t, /401 \(Unauthorized\)/);
    const { page, press, type, said, focus, show } = desk;
    await eventually(async () => assert.equal(await focus(), 'token'));
    await type('a wrong token');
    await press('Enter');
    await said('This token is not the right one.');
    assert.ok(await page.isHidden('#desk'));
    await postTwo(desk);
    await press('Tab', 'Tab', 'Tab', 'Tab', 'e');
    await type('never mind ');
    await press('Escape');
    assert.equal(await page.locator('.edit').count(), 0);
    await show('Second words', 'First words');
  });

  test('who is told that a post is out has it in the list already', async (t) => {
    const desk = await open(t);
    const { page, type, press, said } = desk;
    await postTwo(desk);
    let release;
    const released = new Promise((resolve) => (release = resolve));
    await page.route('**/api/posts?*', (route) => released.then(() => route.continue()));
    await type('Third words');
    await press('Control+Enter');
    await page.waitForFunction(() => document.querySelector('#text').value === '');
    // The word for the post before is gone, or a screen reader would have nothing new to read.
    assert.equal(await page.innerText('#status'), '');
    release();
    await said('Posted.');
    assert.deepEqual(await page.locator('.words').allInnerTexts(), ['Third words', 'Second words', 'First words']);
  });

  test('a reporter who edits what another has just changed is told, and loses no word', async (t) => {
    const desk = await open(t, /409 \(Conflict\)/);
    const { site, page, press, type, focus, show } = desk;
    await postTwo(desk);
    await press('Tab', 'Tab', 'Tab', 'Tab');
    const id = await focus();
    await press('e', 'Control+A');
    await type('My words');
    await site.edit(id, 'Their words');
    await site.post('Something else', { id: 'other' });
    await show('Something else', 'Their words', 'First words');
    await page.locator('.words', { hasText: 'Their words' }).waitFor();
    assert.equal(await page.inputValue('.edit textarea'), 'My words');
    await press('Control+Enter');
    await eventually(async () => assert.match(await page.innerText('#status'), /Somebody else has changed this post/));
    await show('Something else', 'Their words', 'First words');
    await press('Control+Enter');
    await show('Something else', 'My words', 'First words');
  });
});
