/** A file that is replayed ends up on every page exactly as it is, however fast it goes and whatever happens meanwhile. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { NETWORK, openReader, PHONE, retrySoon } from './support/browser.js';
import { eventually } from './support/eventually.js';
import { startExample } from './support/example.js';
import { allShow, domPosts } from './support/posts.js';
import { sized } from './support/size.js';

const POSTS = sized(300, 5_000);
const DONE = sized(20_000, 120_000);

const newestFirst = Array.from({ length: POSTS }, (_, index) => `line-${POSTS - index}`);

/** Writes the posts, one a second, and says how to replay them. @param {{ folder: string }} site @param {string} speed */
const replay = async (site, speed) => {
  const lines = Array.from({ length: POSTS }, (_, index) =>
    JSON.stringify({
      at: index,
      id: `line-${index + 1}`,
      speaker: `Speaker ${index % 7}`,
      vehicle: 'EAGLE',
      text: `Line ${index + 1} of what was said. `.repeat(1 + (index % 5)),
    }));
  const file = join(site.folder, 'replay.jsonl');
  await writeFile(file, lines.join('\n'));
  return ['--replay', file, '--speed', speed];
};

/** Two readers of the whole page. @param {import('node:test').TestContext} t */
const openTwo = async (t, site) => [
  await openReader(t, site.url, { expected: NETWORK, prepare: retrySoon }),
  await openReader(t, `${site.url}/?all`, { expected: NETWORK, prepare: retrySoon, viewport: PHONE }),
];

const ids = (posts) => posts.map(({ id }) => id);

describe('a replay', { concurrency: true }, () => {
  test('as fast as it goes is shown in full by the readers who were there before', async (t) => {
    const site = await startExample(t);
    await site.post('before', { id: 'before' });
    const readers = await openTwo(t, site);
    await site.crash();
    await site.start(await replay(site, '0'));
    await eventually(() => assert.match(site.errors, /replay: done/), DONE);
    const posts = await allShow(site.url, readers, DONE);
    assert.deepEqual(ids(posts), [...newestFirst, 'before']);
  });

  test('that flows past open readers is shown in full by all of them', async (t) => {
    const site = await startExample(t);
    const readers = await openTwo(t, site);
    await site.crash();
    // So that it takes five seconds, while the readers come back in the midst of it.
    await site.start(await replay(site, String(POSTS / 5)));
    const late = await openReader(t, `${site.url}/?all`);
    await eventually(() => assert.match(site.errors, /replay: done/), DONE);
    const posts = await allShow(site.url, [late, ...readers], DONE);
    assert.deepEqual(ids(posts), newestFirst);
  });

  test('that is killed in the middle goes on where it was and doubles nothing', async (t) => {
    const site = await startExample(t);
    const readers = await openTwo(t, site);
    await site.crash();
    const args = await replay(site, String(POSTS / 3));
    await site.start(args);
    await eventually(() => assert.match(site.errors, /replay: \d+ of/));
    await site.crash();
    await site.start(args);
    await eventually(() => assert.match(site.errors, /replay: done/), DONE);
    assert.match(site.errors, /replay: \d+ of \d+ posts are on the page already/);
    const posts = await allShow(site.url, readers, DONE);
    assert.deepEqual(ids(posts), newestFirst);
    const late = await openReader(t, site.url);
    assert.deepEqual(await domPosts(late), posts.slice(0, 200), 'the first paint has the newest');
  });
});
