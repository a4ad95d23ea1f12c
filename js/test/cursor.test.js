import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide, parseFrame } from '../src/cursor.js';
import { at, frame } from './fake-environment.js';

const other = 'bbbbbbbbbbbbbbbb';
const cases = [
  ['a reader without a cursor applies anything', '', frame(5, 6), 'apply'],
  ['a reader who asked for everything applies anything', '*', frame(5, 6), 'apply'],
  ['a frame that continues from the cursor', at(5), frame(5, 6), 'apply'],
  ['a heartbeat at the head', at(5), frame(5, 5), 'apply'],
  ['a frame that overlaps', at(5), frame(3, 6), 'apply'],
  ['a frame that is known', at(6), frame(5, 6), 'drop'],
  ['an old heartbeat', at(6), frame(4, 4), 'drop'],
  ['a frame after a gap', at(5), frame(6, 7), 'reconnect'],
  ['a heartbeat that is ahead', at(5), frame(7, 7), 'reconnect'],
  ['a fork that continues from the cursor', at(5), { prev: at(5), cursor: at(5, other) }, 'apply'],
  ['a fork that continues from before the cursor', at(5), { prev: at(3), cursor: at(9, other) }, 'apply'],
  ['a fork that continues from after the cursor', at(5), { prev: at(6), cursor: at(9, other) }, 'reconnect'],
  ['another epoch altogether', at(5), { prev: at(8, other), cursor: at(9, other) }, 'reconnect'],
  ['a reset of another epoch', at(5), { prev: at(9, other), cursor: at(9, other), reset: true }, 'apply'],
  ['a reload that brings nothing newer', at(5), frame(5, 5, { reload: true }), 'apply'],
  ['versions are numbers, not text', at(9), frame(8, 10), 'apply'],
  ['versions up to 2^53', at(9007199254740990), frame(9007199254740989, 9007199254740991), 'apply'],
  ['a frame of a server without cursors', at(5), { renders: {} }, 'apply'],
  ['a cursor that is none', 'nonsense', frame(5, 6), 'reconnect'],
];
for (const [name, own, given, verdict] of cases) {
  test(`${verdict}: ${name}`, () => assert.equal(decide(own, given), verdict));
}

test('what is not a frame is undefined', () => {
  for (const text of ['', '<html>', 'null', '7', '[]', '{}', '"x"', '{"error":"x"}']) assert.equal(parseFrame(text), undefined);
  assert.deepEqual(parseFrame('{"removals":[]}'), { removals: [] });
});
