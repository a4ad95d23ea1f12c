import assert from 'node:assert/strict';
import { test } from 'node:test';
import { announcer, countText } from '../src/announce.js';
import { reloader } from '../src/reload.js';
import { disarm, isUnsafe } from '../src/sanitise.js';
import { timeTexts } from '../src/times.js';
import { at, fakeEnvironment } from './fake-environment.js';

test('announcements come at most once in ten seconds and sum up what came between', async () => {
  const env = fakeEnvironment();
  const said = [];
  const add = announcer((counts) => said.push(counts), env);
  add([0, 0, 0]);
  assert.deepEqual(said.splice(0), [[0, 0, 0]]);
  add([1, 0, 0]);
  add([2, 0, 0]);
  add([0, 1, 0]);
  assert.deepEqual(said, [[1, 0, 0]]);
  await env.advance(9999);
  assert.equal(said.length, 1);
  await env.advance(1);
  assert.deepEqual(said[1], [2, 1, 0]);
  await env.advance(60_000);
  assert.deepEqual(said[2], [], 'old news go');
  assert.equal(said.length, 3);
  add([0, 0, 3]);
  assert.deepEqual(said[3], [0, 0, 3]);
});

test('a label has a form for one and one for many', () => {
  assert.equal(countText('{n} new post|{n} new posts', 1), '1 new post');
  assert.equal(countText('{n} new post|{n} new posts', 2), '2 new posts');
  assert.equal(countText('{n} neu', 1), '1 neu');
});

const reload = (pages) => {
  const env = fakeEnvironment();
  const swapped = [];
  const asked = [];
  const parts = reloader({
    env,
    fetchPage: async () => {
      asked.push(env.now());
      const page = pages.shift();
      if (page instanceof Error) throw page;
      return page;
    },
    swap: (page) => swapped.push(page.cursor),
  });
  return { env, swapped, asked, ...parts };
};

test('a reload waits a random time, then swaps', async () => {
  const { env, swapped, ask } = reload([{ cursor: at(9) }]);
  ask(at(5));
  await env.advance(4999);
  assert.deepEqual(swapped, []);
  await env.advance(1);
  assert.deepEqual(swapped, [at(9)]);
});

test('a copy out of a cache, a failure and a page without posts are tried again after a minute', async () => {
  const { env, swapped, asked, ask } = reload([{ cursor: at(5) }, { cursor: at(4) }, new Error('network'), undefined, { cursor: at(1, 'bbbbbbbbbbbbbbbb') }]);
  ask(at(5));
  await env.advance(300_000);
  assert.deepEqual(swapped, [at(1, 'bbbbbbbbbbbbbbbb')]);
  assert.equal(asked[1] - asked[0], 65_000);
});

test('a page without cursors is swapped', async () => {
  const { env, swapped, ask } = reload([{ cursor: '' }]);
  ask(at(5));
  await env.advance(5000);
  assert.deepEqual(swapped, ['']);
});

test('a newer reload replaces the one that waits, repetitions wait longer, and stop ends it', async () => {
  const { env, asked, ask, stop } = reload([{ cursor: at(9) }, { cursor: at(9) }]);
  ask(at(5));
  await env.advance(1000);
  ask(at(6));
  await env.advance(9999);
  assert.equal(asked.length, 0);
  await env.advance(1);
  assert.equal(asked.length, 1);
  ask(at(6));
  stop();
  await env.advance(300_000);
  assert.equal(asked.length, 1);
});

test('a copy that does not come is given up after half a minute and asked for again later', async () => {
  const env = fakeEnvironment();
  const asked = [];
  const swapped = [];
  const fetchPage = async (signal) => {
    asked.push(env.now());
    // The headers came, the rest does not: only the signal ends it.
    if (asked.length === 1) await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    return { cursor: at(9) };
  };
  const { ask, pending } = reloader({ env, fetchPage, swap: (page) => swapped.push(page.cursor) });
  assert.ok(!pending());
  ask(at(5));
  await env.advance(5000 + 29_999);
  assert.ok(pending());
  await env.advance(1 + 65_000);
  assert.deepEqual(swapped, [at(9)]);
  assert.equal(asked[1] - asked[0], 30_000 + 65_000);
  assert.ok(!pending());
  assert.equal(env.pendingTimers(), 0);
});

test('what is stopped while it fetches is aborted and swaps nothing', async () => {
  const env = fakeEnvironment();
  const swapped = [];
  let signal;
  let answer;
  const fetchPage = (given) => ((signal = given), new Promise((resolve) => (answer = resolve)));
  const { ask, pending, stop } = reloader({ env, fetchPage, swap: (page) => swapped.push(page) });
  ask(at(5));
  await env.advance(5000);
  stop();
  assert.ok(signal.aborted && !pending());
  answer({ cursor: at(9) });
  await env.advance(300_000);
  assert.deepEqual(swapped, []);
  assert.equal(env.pendingTimers(), 0);
});

test('where the page itself is young from a reload, the first one waits as a repetition', async () => {
  const waits = [];
  for (const age of [1000, 300_000]) {
    const env = fakeEnvironment();
    const started = env.now();
    reloader({ env, fetchPage: async () => waits.push(env.now() - started), swap: () => {}, reloaded: started - age }).ask(at(5));
    await env.advance(330_000);
  }
  assert.deepEqual([waits[0], waits[1]], [320_000, 5000]);
});

test('handlers and styles are renamed before they are parsed, text is not', () => {
  assert.equal(disarm('<p onclick="a()" style=x title="a style=b onclick=c">style=1 onclick=2</p>'), '<p data-live-off="a()" data-live-off=x title="a style=b onclick=c">style=1 onclick=2</p>');
  assert.equal(disarm('<img/onerror=x src="a>b" ONLOAD = "y"><b>on off=1</b>'), '<img/data-live-off=x src="a>b" data-live-off = "y"><b>on off=1</b>');
  assert.equal(disarm('a < b style="x"'), 'a < b style="x"');
});

test('attributes that run something are unsafe', () => {
  for (const [name, value] of [['onclick', ''], ['ONX', ''], ['style', ''], ['srcdoc', ''], ['autofocus', ''], ['href', 'javascript:x'], ['xlink:href', ' JaVa\tscr\nipt:x'], ['action', '\u0001javascript:x'], ['src', 'vbscript:x']]) {
    assert.ok(isUnsafe(name, value), `${name}=${value}`);
  }
  for (const [name, value] of [['href', 'https://x.example/#javascript:'], ['class', 'on'], ['title', 'style'], ['data-on', '']]) assert.ok(!isUnsafe(name, value));
});

test('moments are localised; dates, durations and nonsense are not', () => {
  assert.deepEqual(timeTexts('2026-01-05T15:00:00Z', 'de', 'Europe/Berlin'), { text: '05.01.2026, 16:00', title: 'Montag, 5. Januar 2026 um 16:00:00 MEZ' });
  for (const datetime of ['', '2026-01-05', 'PT2H', '12:30', '2026-13-05T15:00:00Z']) assert.equal(timeTexts(datetime), undefined);
});

test('formatters are made once for a language and a zone', (t) => {
  const made = t.mock.method(Intl, 'DateTimeFormat').mock;
  const texts = [];
  for (let turn = 0; turn < 3; turn++) {
    for (const [language, zone] of [['fr', 'UTC'], ['fr', 'Asia/Tokyo'], ['nl', 'UTC']]) texts.push(timeTexts('2026-01-05T15:00:00Z', language, zone).text);
  }
  assert.equal(made.callCount(), 6);
  assert.equal(new Set(texts).size, 3);
  for (let turn = 0; turn < 2; turn++) assert.throws(() => timeTexts('2026-01-05T15:00:00Z', 'no language'), RangeError);
});
