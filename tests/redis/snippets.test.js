/** What a backend in Python or Node copies from docs/set-up-redis.md, as it stands there: the calls, and the users of Redis that make them. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { atEnd } from '../browser/support/cleanup.js';
import { eventually } from '../browser/support/eventually.js';
import { startRedis } from '../browser/support/process.js';
import { startLive } from '../wagtail/support/live.js';
import { INSTALLED } from '../wagtail/support/site.js';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const { WebSocket } = createRequire(at('../../js/package.json'))('ws');
const run = promisify(execFile);

/** What the page says to give a server of Live, and what a publisher has in the place of some of it. */
const PAGE = readFileSync(at('../../docs/set-up-redis.md'), 'utf8');
const [, SERVER] = /^ACL SETUSER live on >PASSWORD (.*)$/m.exec(PAGE);
const [, own, others] = /with `(.*)` in the place of `(.*)`, and the rest as above/.exec(PAGE);
assert.ok(SERVER.includes(others));
const PUBLISHER = SERVER.replace(others, own);

/** @typedef {(id: string, html: string, revision: string, url: string) => Promise<string>} Publish gives the page's cursor, or fails with what Redis said */

/** @type {Record<string, (t: import('node:test').TestContext) => Promise<Publish>>} */
const SNIPPETS = {
  Python: async () => async (...args) => {
    const code = 'import sys, publish; print(publish.publish_post(*sys.argv[1:]))';
    const env = { ...process.env, PYTHONPATH: at('.'), PYTHONDONTWRITEBYTECODE: '1' };
    return (await run(join(INSTALLED, 'bin/python'), ['-c', code, ...args], { env })).stdout.trim();
  },
  // In a folder of its own, with the package beside it, as in a project that has installed it.
  Node: async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'live-snippet-'));
    atEnd(t, () => rmSync(folder, { recursive: true, force: true }));
    copyFileSync(at('publish.mjs'), join(folder, 'publish.mjs'));
    symlinkSync(at('../../js/node_modules'), join(folder, 'node_modules'));
    return (await import(pathToFileURL(join(folder, 'publish.mjs')))).publishPost;
  },
};

/** Redis with two users, and Live as one of them. @param {import('node:test').TestContext} t */
const startBoth = async (t) => {
  const redis = await startRedis(t);
  const [host, port] = redis.split(':');
  for (const [user, rights] of [['live', SERVER], ['backend', PUBLISHER]]) {
    const { stdout } = await run('redis-cli', ['-h', host, '-p', port, 'ACL', 'SETUSER', user, 'on', '>password', ...rights.split(' ')]);
    assert.equal(stdout.trim(), 'OK');
  }
  const { match: [, address] } = await startLive(t, ['--listen', '127.0.0.1:0', '--bus', `redis://live:password@${redis}/0`]);
  return { address, url: `redis://backend:password@${redis}/0` };
};

/** Reads the page `blog`. @returns {Promise<object[]>} every render that comes, in their order */
const read = async (t, address) => {
  const socket = new WebSocket(`ws://${address}/ws/channel/blog/`);
  atEnd(t, () => socket.terminate());
  const renders = [];
  const first = new Promise((resolve, reject) => {
    socket.once('error', reject).once('message', resolve);
  });
  socket.on('message', (data) => renders.push(...Object.values(JSON.parse(data).renders ?? {})));
  await first;
  return renders;
};

describe('a backend that publishes through Redis alone', { concurrency: true }, () => {
  for (const [language, prepare] of Object.entries(SNIPPETS)) {
    test(`in ${language} shows a post once and edits it, and is told what it did wrong`, async (t) => {
      const [{ address, url }, publish] = await Promise.all([startBoth(t), prepare(t)]);
      const renders = await read(t, address);
      const cursor = await publish('1', '<p data-post-id="1">Kick-off</p>', '1', url);
      assert.match(cursor, /^[0-9a-f]{16}-\d+$/);
      assert.equal(await publish('1', '<p data-post-id="1">Kick-off</p>', '1', url), cursor, 'the same again has one effect');
      assert.notEqual(await publish('1', '<p data-post-id="1">Kick-off, at last</p>', '2', url), cursor);
      await assert.rejects(publish('1', '<p data-post-id="1">Goal</p>', 'soon', url), /LIVE_INVALID/);
      await assert.rejects(publish('1', '<p data-post-id="1">Goal</p>', '2', url), /LIVE_KEY_REUSED/);
      await publish('2', '<p data-post-id="2">The end</p>', '1', url);
      const texts = () => renders.map(({ content }) => />([^<]*)</.exec(content)[1]);
      await eventually(() => assert.deepEqual(texts(), ['Kick-off', 'Kick-off, at last', 'The end']));
    });
  }
});
