import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { clamp, fullJitter, retryAfter, retryIn } from '../src/backoff.js';
import { afterClose } from '../src/close-codes.js';

test('the back-off doubles its range up to the cap and is random within it', () => {
  const most = () => 1;
  assert.deepEqual([0, 1, 2, 5, 6, 7, 50, 2000].map((attempt) => fullJitter(attempt, 500, 30_000, most)), [500, 1000, 2000, 16_000, 30_000, 30_000, 30_000, 30_000]);
  assert.equal(fullJitter(3, 500, 30_000, () => 0), 0);
  assert.equal(fullJitter(3, 500, 30_000, () => 0.25), 1000);
});

test('a close reason may give a delay', () => {
  assert.equal(retryIn('draining, retry in 1500 ms'), 1500);
  assert.equal(retryIn('retry in 0 ms'), 0);
  for (const reason of ['', 'retry in ms', 'retry in 5 ms or so', 'retry in -5 ms']) assert.equal(retryIn(reason), undefined);
});

test('Retry-After is seconds or a date', () => {
  assert.equal(retryAfter('3', 0), 3000);
  assert.equal(retryAfter('0', 0), 0);
  assert.equal(retryAfter('Thu, 01 Jan 1970 00:01:00 GMT', 20_000), 40_000);
  for (const header of [null, '', 'soon', '-3']) assert.equal(retryAfter(header, 1e13), undefined);
});

test('no server sends a reader away for more than ten minutes: a timer above 2^31 ms fires at once', () => {
  assert.equal(retryIn('retry in 2147483648 ms'), 600_000);
  for (const header of ['4000000', '9'.repeat(400), 'Fri, 31 Dec 9999 23:59:59 GMT']) assert.equal(retryAfter(header, 0), 600_000);
});

test('clamp keeps a value between two others', () => {
  assert.deepEqual([1, 5, 9].map((value) => clamp(value, 3, 7)), [3, 5, 7]);
});

test('close codes mean what the protocol says', () => {
  const text = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8');
  const rows = [...text.slice(text.indexOf('## Close codes')).matchAll(/^\| (\d{4})(?: \*)? \|.*\| ([^|]+) \|$/gm)];
  assert.ok(rows.length >= 11, 'the table is found');
  for (const [, code, reconnect] of rows) {
    // 1000: see afterClose.
    const stops = reconnect === 'no' && code !== '1000';
    assert.equal(afterClose(Number(code)) === 'stop', stops, `code ${code}`);
  }
  assert.equal(afterClose(4100), 'readmit');
  for (const code of [4500, 4999]) assert.equal(afterClose(code), 'stop');
  for (const code of [1000, 1001, 1006, 4499]) assert.equal(afterClose(code), 'reconnect');
});
