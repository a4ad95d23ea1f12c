import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plan, placeOf, wishes } from '../src/plan.js';

const free = { busy: () => false, hold: false };
const shown = (...posts) => posts.map(([id, sort]) => ({ id, sort }));
const render = (sort, more = {}) => ({ show: true, content: '', sort, ...more });
const after = (posts, wanted, reader = free) => plan(posts, wanted, reader).order.map(({ id }) => id).join(' ');

test('a new post goes where its sort belongs', () => {
  const posts = shown(['c', 30], ['b', 20], ['a', 10]);
  assert.equal(after(posts, [['x', render(25)]]), 'c x b a');
  assert.equal(after(posts, [['x', render(99)]]), 'x c b a');
  assert.equal(after(posts, [['x', render(1)]]), 'c b a x');
  assert.equal(after([], [['x', render(1)]]), 'x');
});

test('a new post without a sort goes on top', () => {
  assert.equal(after(shown(['b', 20], ['a', 10]), [['x', render()], ['y', render()]]), 'y x b a');
});

test('a new post without a sort goes below the pinned posts that lead', () => {
  const pin = 2 ** 52;
  assert.equal(after(shown(['q', pin + 1], ['p', pin], ['b', 20]), [['x', render()], ['y', render()]]), 'q p y x b');
  assert.equal(after(shown(['p', pin]), [['x', render()]]), 'p x');
  assert.equal(after(shown(['b'], ['p', pin]), [['x', render()]]), 'x b p');
});

test('an edit keeps its place, a changed sort moves', () => {
  const posts = shown(['c', 30], ['b', 20], ['a', 10]);
  assert.equal(after(posts, [['b', render(20)]]), 'c b a');
  assert.equal(after(posts, [['b', render()]]), 'c b a');
  assert.equal(after(posts, [['b', render(40)]]), 'b c a');
  assert.equal(plan(posts, [['b', render(20)]], free).steps[0].moved, false);
  assert.equal(plan(posts, [['b', render(21)]], free).steps[0].moved, false, 'the same place');
  assert.deepEqual(plan(posts, [['b', render(40)]], free).steps[0], { id: 'b', render: render(40), added: false, moved: true, next: 'c', previous: undefined });
});

test('a post whose sort was not told keeps its place when it is edited, unless it is pinned', () => {
  const posts = shown(['n', 100], ['c'], ['b'], ['a']);
  assert.equal(after(posts, [['a', render(10)]]), 'n c b a');
  assert.equal(after(posts, [['a', render(2 ** 52)]]), 'a n c b');
});

test('the same renders give the same order in any order of arrival', () => {
  const renders = [['a', render(1)], ['b', render(2)], ['c', render(3)], ['d', render(2 ** 52 + 1)]];
  for (let turn = 0; turn < 24; turn++) {
    const mixed = [...renders].sort((x, y) => ((x[1].sort * 7 + turn * 13) % 11) - ((y[1].sort * 7 + turn * 13) % 11));
    assert.equal(after([], mixed), 'd c b a');
  }
});

test('a busy post has no step, neither for an edit nor for its removal', () => {
  const posts = shown(['b', 20], ['a', 10]);
  const reader = { busy: (id) => id === 'b', hold: false };
  assert.deepEqual(plan(posts, [['b', render(5)], ['a', null]], reader).steps.map(({ id }) => id), ['a']);
  assert.equal(after(posts, [['b', null]], reader), 'b a');
});

test('new posts wait while they are held; edits, removals and hidden posts do not', () => {
  const posts = shown(['b', 20], ['a', 10]);
  const reader = { busy: () => false, hold: true };
  const { steps } = plan(posts, [['x', render(30)], ['b', render(20)], ['a', null], ['h', render(5, { show: false })]], reader);
  assert.deepEqual(steps.map(({ id }) => id), ['b', 'a', 'h']);
});

test('placeOf skips posts without a sort', () => {
  assert.equal(placeOf(shown(['a'], ['b', 5], ['c'], ['d', 3]), 4), 3);
  assert.equal(placeOf(shown(['a'], ['b']), 4), 0);
});

test('wishes are ordered by sort, not by key', () => {
  const frame = JSON.parse('{"renders":{"10":{"sort":1},"2":{"sort":3},"b":{"sort":2}},"removals":["z"]}');
  assert.deepEqual(wishes(frame, []).map(([id]) => id), ['10', 'b', '2', 'z']);
});

test('a reset removes every post it does not name', () => {
  const frame = { renders: { a: render(1) }, removals: ['gone'], reset: true };
  assert.deepEqual(wishes(frame, ['a', 'b', '__proto__']).map(([id, each]) => [id, !!each]), [['a', true], ['b', false], ['__proto__', false], ['gone', false]]);
  assert.deepEqual(wishes({ ...frame, reset: false }, ['a', 'b']).length, 2);
  assert.deepEqual(wishes({}, ['a']), []);
});
