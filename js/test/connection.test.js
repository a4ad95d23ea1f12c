import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { Connection } from '../src/connection.js';
import { chooseTransports } from '../src/transports.js';
import { at, fakeEnvironment, frame, hello } from './fake-environment.js';

let env, states, frames, asked, connection;

const connect = (options = {}) => {
  connection = new Connection({
    base: 'https://site.example/live/', channel: 'a room', cursor: at(5), transports: chooseTransports(null), pollInterval: 3000, env,
    onFrame: (each, from) => frames.push([each.cursor, from]),
    onState: (state, transport) => states.push(`${state} ${transport}`),
    onUnauthorized: () => asked++,
    ...options,
  });
  connection.wake();
};
beforeEach(() => {
  env = fakeEnvironment();
  states = [];
  frames = [];
  asked = 0;
});
const only = (transport) => ({ transports: [transport] });
const kinds = () => env.links.map(({ kind }) => kind);

test('it begins with a WebSocket at the cursor of the page', () => {
  connect();
  assert.equal(env.last().url, `wss://site.example/live/ws/channel/a%20room/?cursor=${at(5)}`);
  assert.deepEqual(states, ['connecting websocket']);
  env.last().say(frame(5, 6));
  assert.deepEqual(states, ['connecting websocket', 'live websocket']);
  assert.deepEqual(frames, [[at(6), at(5)]]);
  assert.equal(connection.cursor, at(6));
});

test('it comes back with the token that the page has by then', async () => {
  let token = 'a.b.c';
  connect({ token: () => token });
  assert.equal(env.last().url, `wss://site.example/live/ws/channel/a%20room/?cursor=${at(5)}&jwt=a.b.c`);
  env.last().say(hello(5));
  env.last().end(4100, 'admission ended');
  assert.equal(asked, 1);
  token = 'd.e.f';
  connection.restart();
  assert.ok(env.last().url.endsWith('&jwt=d.e.f'));
  token = null;
  connection.restart('');
  assert.ok(env.last().url.endsWith('/?'));
});

test('without a cursor it sends none', () => {
  connect({ cursor: '' });
  assert.ok(!env.last().url.includes('cursor'));
});

test('a lost connection comes back with its cursor after a random delay', async () => {
  connect(only('websocket'));
  env.last().say(frame(5, 6));
  env.last().end();
  assert.equal(states.at(-1), 'connecting websocket');
  await env.advance(249);
  assert.equal(env.links.length, 1);
  await env.advance(1);
  assert.ok(env.last().url.endsWith(at(6)));
});

test('the delay grows while nothing works, up to the cap', async () => {
  connect(only('websocket'));
  const gaps = [];
  for (let turn = 0; turn < 9; turn++) {
    const lost = env.now();
    env.last().end();
    while (!env.last().open) await env.advance(50);
    gaps.push(env.last().at - lost);
  }
  assert.deepEqual(gaps, [250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
});

test('ten stable seconds begin the back-off anew', async () => {
  connect(only('websocket'));
  for (const end of [250, 500]) {
    env.last().end();
    await env.advance(end);
  }
  env.last().say(hello(5));
  await env.advance(9000);
  env.last().end();
  await env.advance(999);
  assert.equal(env.links.length, 3, 'not stable yet: the third delay');
  await env.advance(1);
  assert.equal(env.links.length, 4);
  env.last().say(hello(5));
  await env.advance(10_000);
  env.last().end();
  await env.advance(250);
  assert.equal(env.links.length, 5);
});

test('a delay that the server gives is kept', async () => {
  connect();
  env.last().say(hello(5));
  env.last().end(1012, 'draining, retry in 7000 ms');
  await env.advance(6999);
  assert.equal(env.links.length, 1);
  await env.advance(500);
  assert.equal(env.links.length, 2);
});

/** How long a reader with one transport stays away after each of these losses. */
const gapsOf = async (losses, lose) => {
  const gaps = [];
  for (let turn = 0; turn < losses; turn++) {
    const count = env.links.length + env.requests.length;
    const lost = env.now();
    await lose();
    while (env.links.length + env.requests.length === count) await env.advance(50);
    gaps.push(env.now() - lost);
  }
  return gaps;
};
const closeWith = (code, reason) => () => env.last().end(code, reason);
const refuse = (status, seconds) => () => {
  env.requests.at(-1).answer(status, 'no', { 'retry-after': seconds });
  return env.settle();
};

test('the delay of a server comes on top of a back-off that grows', async () => {
  connect(only('websocket'));
  assert.deepEqual(await gapsOf(4, closeWith(1013, 'overloaded, retry in 1000 ms')), [1250, 1500, 2000, 3000]);
  connection.stop('offline');
  connect(only('interval-polling'));
  assert.deepEqual(await gapsOf(3, refuse(429, '1')), [1250, 1500, 2000]);
});

test('a server that drains is no failure of the transport, a refusal is', async () => {
  connect();
  await gapsOf(5, closeWith(1012, 'the server restarts; retry in 100 ms'));
  assert.equal(env.last().kind, 'WebSocket');
  connection.stop('offline');
  connect();
  await gapsOf(2, closeWith(1013, 'overloaded, retry in 100 ms'));
  assert.equal(env.last().kind, 'EventSource');
  connection.stop('offline');
  connect({ transports: ['long-polling', 'interval-polling'] });
  await gapsOf(3, refuse(503, '1'));
  assert.equal(states.at(-1), 'connecting long-polling');
  await gapsOf(2, refuse(429, '1'));
  assert.equal(states.at(-1), 'connecting interval-polling');
});

test('Server-Sent Events end as a WebSocket does: with a code and a delay', async () => {
  const close = (code, reason = '') => env.last().tell('close', JSON.stringify({ code, reason }));
  connect({ transports: ['sse', 'long-polling'] });
  assert.deepEqual(await gapsOf(3, () => close(1012, 'the server restarts; retry in 1500 ms')), [1750, 2000, 2500]);
  assert.equal(env.last().kind, 'EventSource');
  env.last().say(hello(5));
  assert.deepEqual(await gapsOf(1, () => close(4100)), [2000]);
  assert.equal(asked, 1);
  env.last().say(hello(5));
  close(1008);
  assert.equal(states.at(-1), 'closed sse');
  for (const text of ['', 'null', '{', '{}', '7']) {
    connect(only('sse'));
    env.last().tell('close', text);
    assert.ok(!env.last().open, text);
    assert.equal(states.at(-1), 'connecting sse');
  }
});

test('after two failures the next transport is tried, and after the last the first', async () => {
  connect();
  const tried = [];
  for (let turn = 0; turn < 9; turn++) {
    tried.push(states.at(-1).split(' ')[1]);
    const count = env.links.length + env.requests.length;
    if (env.last().open) env.last().end();
    else env.requests.at(-1).fail();
    await env.settle();
    while (env.links.length + env.requests.length === count) await env.advance(50);
  }
  assert.deepEqual(tried, ['websocket', 'websocket', 'sse', 'sse', 'long-polling', 'long-polling', 'interval-polling', 'interval-polling', 'websocket']);
});

test('the delay begins anew with each transport that was never tried, and grows after the last', async () => {
  connect({ transports: ['websocket', 'sse'] });
  const gaps = [];
  for (let turn = 0; turn < 8; turn++) {
    const lost = env.now();
    env.last().end();
    while (!env.last().open) await env.advance(50);
    gaps.push(env.last().at - lost);
  }
  assert.deepEqual(gaps, [250, 250, 500, 1000, 2000, 4000, 8000, 15_000]);
});

test('a transport that has worked is given five chances', async () => {
  connect();
  env.last().say(hello(5));
  for (let turn = 0; turn < 5; turn++) {
    env.last().end();
    await env.advance(5000);
    assert.equal(env.last().kind, 'WebSocket');
  }
  env.last().end();
  await env.advance(15_000);
  assert.equal(env.last().kind, 'EventSource');
});

test('a WebSocket that does not open within ten seconds has failed', async () => {
  connect();
  const first = env.last();
  await env.advance(9999);
  assert.ok(first.open);
  await env.advance(1);
  assert.ok(!first.open);
  await env.advance(250);
  env.last().onopen();
  await env.advance(59_999);
  assert.ok(env.last().open, 'open: now the silence counts');
  await env.advance(1);
  assert.equal(env.links.length, 2);
  assert.ok(!env.last().open);
});

test('Server-Sent Events whose first frame does not come are buffered by a proxy', async () => {
  connect({ transports: ['sse', 'long-polling'] });
  assert.equal(env.last().url, `https://site.example/live/events/a%20room/?cursor=${at(5)}`);
  await env.advance(10_000);
  await env.advance(10_000 + 250);
  await env.advance(500);
  assert.equal(kinds().length, 2);
  assert.equal(env.requests.length, 1);
});

test('an EventSource never reconnects by itself', () => {
  connect(only('sse'));
  env.last().say(hello(5));
  env.last().end();
  assert.ok(!env.last().open);
});

test('a stream that is silent for a minute is reconnected', async () => {
  connect();
  env.last().say(hello(5));
  await env.advance(50_000);
  env.last().say(hello(5));
  await env.advance(59_000);
  assert.ok(env.last().open);
  await env.advance(1000);
  assert.ok(!env.last().open);
});

test('a better transport is tried beside the lower one, which ends only when the better one delivers', async () => {
  connect({ transports: ['websocket', 'sse'] });
  env.last().end();
  await env.advance(1000);
  env.last().end();
  await env.advance(1000);
  const lower = env.last();
  lower.say(hello(5));
  assert.equal(states.at(-1), 'live sse');
  const beat = async (times) => {
    for (let turn = 0; turn < times; turn++) {
      lower.say(hello(5));
      await env.advance(5000);
    }
  };
  // 60 s and, with this random number, a quarter of it.
  await beat(16);
  assert.equal(env.last().kind, 'WebSocket');
  assert.ok(lower.open);
  env.last().end();
  assert.equal(states.at(-1), 'live sse', 'a failed try is not seen');
  const tries = env.links.length;
  await beat(28);
  assert.equal(env.links.length, tries, 'the next try comes after twice the time');
  await beat(3);
  const better = env.last();
  assert.equal(better.kind, 'WebSocket');
  lower.say(frame(5, 6));
  better.onopen();
  assert.ok(lower.open);
  better.say(frame(5, 7));
  assert.ok(!lower.open && better.open);
  assert.deepEqual(frames.at(-1), [at(7), at(6)]);
  assert.equal(states.at(-1), 'live websocket');
});

test('reset counts only on the newest connection', async () => {
  connect({ transports: ['websocket', 'sse'] });
  for (const pause of [1000, 1000]) {
    env.last().end();
    await env.advance(pause);
  }
  const lower = env.last();
  for (let turn = 0; turn < 16; turn++) {
    lower.say(hello(5));
    await env.advance(5000);
  }
  const better = env.last();
  assert.notEqual(better, lower);
  const before = frames.length;
  lower.say(frame(9, 9, { reset: true }));
  assert.equal(frames.length, before);
  better.say(frame(8, 8, { reset: true }));
  assert.equal(connection.cursor, at(8));
});

test('a gap reconnects with the own cursor, three in a row ask for everything', async () => {
  connect(only('websocket'));
  for (let turn = 0; turn < 3; turn++) {
    assert.ok(env.last().url.endsWith(at(5)));
    env.last().say(frame(7, 8));
    assert.ok(!env.last().open);
    await env.advance(3000);
  }
  assert.ok(env.last().url.endsWith('cursor=*'));
  env.last().say(frame(7, 8));
  assert.equal(connection.cursor, at(8));
  assert.equal(frames.length, 1);
});

test('stale is a state until a frame does not say it', () => {
  connect();
  env.last().say(hello(5, { stale: true }));
  env.last().say(hello(5));
  assert.deepEqual(states, ['connecting websocket', 'stale websocket', 'live websocket']);
});

test('what is no frame ends the connection and throws nothing', async () => {
  connect(only('websocket'));
  env.last().say('<html>');
  assert.ok(!env.last().open);
  assert.deepEqual(frames, []);
});

test('codes that say so end it for good; a restart revives it', async () => {
  for (const code of [1008, 1009, 4500]) {
    env = fakeEnvironment();
    connect();
    env.last().end(code);
    assert.equal(states.at(-1), 'closed websocket');
    const count = env.links.length;
    connection.wake();
    connection.stop('offline');
    await env.advance(100_000);
    assert.equal(env.links.length, count);
    assert.equal(states.at(-1), 'closed websocket');
    connection.restart();
    assert.equal(env.links.length, count + 1);
  }
});

test('an ended admission is told, and then it reconnects', async () => {
  connect();
  env.last().say(hello(5));
  env.last().end(4100);
  assert.equal(asked, 1);
  await env.advance(500);
  assert.ok(env.last().open);
});

test('offline it does nothing; woken it connects at once', async () => {
  connect();
  env.last().say(hello(5));
  connection.stop('offline');
  assert.ok(!env.last().open);
  assert.equal(states.at(-1), 'offline websocket');
  assert.equal(env.pendingTimers(), 0);
  connection.wake();
  assert.equal(env.links.length, 2);
});

test('waking leaves a live connection alone and replaces one whose heartbeat is late', async () => {
  connect();
  env.last().say(hello(5));
  await env.advance(34_000);
  connection.wake();
  assert.equal(env.links.length, 1);
  await env.advance(1000);
  connection.wake();
  assert.equal(env.links.length, 2);
  assert.ok(!env.links[0].open);
});

test('a constructor that throws is a failed transport', async () => {
  env.WebSocket = class {
    constructor() {
      throw new Error('mixed content');
    }
  };
  connect();
  await env.advance(2000);
  assert.equal(env.last().kind, 'EventSource');
});

test('interval polling asks at the pace of the server', async () => {
  connect(only('interval-polling'));
  const [first] = env.requests;
  assert.equal(first.url, `https://site.example/live/updates/a%20room/?cursor=${at(5)}`);
  first.answer(204, '', { 'live-poll-interval': '5000' });
  await env.settle();
  assert.equal(states.at(-1), 'live interval-polling');
  await env.advance(4999);
  assert.equal(env.requests.length, 1);
  await env.advance(1);
  env.requests[1].answer(200, JSON.stringify(frame(5, 6)), { 'content-type': 'application/json' });
  await env.settle();
  await env.advance(3000);
  assert.ok(env.requests[2].url.endsWith(at(6)));
  env.requests[2].answer(204, '', { 'live-poll-interval': '1' });
  await env.settle();
  await env.advance(249);
  assert.equal(env.requests.length, 3, 'never faster than a quarter of a second');
});

test('an interval that is longer than the silence of a stream is waited out', async () => {
  connect(only('interval-polling'));
  for (const asked of [1, 2, 3]) {
    env.requests.at(-1).answer(204, '', { 'live-poll-interval': '120000' });
    await env.settle();
    await env.advance(119_999);
    assert.equal(env.requests.length, asked);
    assert.equal(states.at(-1), 'live interval-polling');
    await env.advance(1);
  }
});

test('long polling waits longer and longer, and does not spin', async () => {
  connect(only('long-polling'));
  assert.ok(env.requests[0].url.endsWith('&wait=1'));
  await env.advance(1000);
  env.requests[0].answer(204);
  await env.settle();
  await env.advance(0);
  assert.ok(env.requests[1].url.endsWith('&wait=2'));
  env.requests[1].answer(204);
  await env.settle();
  await env.advance(999);
  assert.equal(env.requests.length, 2, 'nothing new within no time: not at once again');
  await env.advance(1);
  for (const index of [2, 3, 4, 5]) {
    env.requests[index].answer(200, JSON.stringify(frame(3 + index, 4 + index)), { 'content-type': 'application/json; charset=utf-8' });
    await env.settle();
    await env.advance(0);
  }
  assert.equal(env.requests.length, 7, 'news are followed by the next question at once');
  assert.ok(env.requests[6].url.endsWith('&wait=25'));
  // A request that never comes back.
  await env.advance(34_999);
  assert.ok(!env.requests[6].signal.aborted);
  await env.advance(1);
  assert.ok(env.requests[6].signal.aborted);
});

test('long polling does not spin where each answer says to reload, as from servers that do not know each other', async () => {
  connect(only('long-polling'));
  const answer = JSON.stringify({ renders: {}, removals: [], cursor: 'fedcba9876543210-9', reload: true });
  env.requests[0].answer(200, answer, { 'content-type': 'application/json; charset=utf-8' });
  await env.settle();
  await env.advance(999);
  assert.equal(env.requests.length, 1);
  await env.advance(1);
  assert.ok(env.requests[1].url.includes('fedcba9876543210-9'));
});

test('where waiting answers never come, the page polls at intervals instead', async () => {
  connect({ transports: ['long-polling', 'interval-polling'] });
  for (const pause of [250, 500]) await env.advance(11_000 + pause);
  assert.deepEqual(env.requests.map(({ url }) => url.includes('wait')), [true, true, false]);
  env.requests[2].answer(204);
  await env.settle();
  assert.equal(states.at(-1), 'live interval-polling');
});

test('a busy server is asked again after Retry-After', async () => {
  connect(only('interval-polling'));
  env.requests[0].answer(503, 'draining', { 'retry-after': '20' });
  await env.settle();
  await env.advance(19_999);
  assert.equal(env.requests.length, 1);
  await env.advance(500);
  assert.equal(env.requests.length, 2);
});

test('answers that are none count as failures', async () => {
  connect(only('interval-polling'));
  const answers = [[200, '<html>', { 'content-type': 'text/html' }], [200, JSON.stringify(frame(5, 6)), { 'content-type': 'text/html' }], [200, '{"ren', { 'content-type': 'application/json' }], [404, 'no'], [200, 'null', { 'content-type': 'application/json' }]];
  for (const answer of answers) {
    env.requests.at(-1).answer(...answer);
    await env.settle();
    assert.equal(states.at(-1), 'connecting interval-polling');
    await env.advance(10_000);
  }
  assert.equal(env.requests.length, answers.length + 1);
  assert.deepEqual(frames, []);
});

test('a poll that is not admitted asks the site and stops', async () => {
  for (const status of [401, 403]) {
    connect(only('long-polling'));
    env.requests.at(-1).answer(status);
    await env.settle();
    assert.equal(states.at(-1), 'closed long-polling');
  }
  assert.equal(asked, 2);
});

test('a poll whose admission ended asks the site and goes on', async () => {
  connect(only('long-polling'));
  env.requests.at(-1).answer(401, '', { 'live-close': '4100' });
  await env.settle();
  assert.equal(asked, 1);
  assert.equal(states.at(-1), 'connecting long-polling');
  await env.advance(250);
  assert.equal(env.requests.length, 2);
});

test('a site may reconnect at once when it is told', async () => {
  const onUnauthorized = () => connection.restart();
  connect({ ...only('websocket'), onUnauthorized });
  env.last().end(4100);
  env.last().say(hello(5));
  await env.advance(20_000);
  assert.equal(env.links.length, 2, 'one new link, not another beside it');
  assert.equal(states.at(-1), 'live websocket');
  connect({ ...only('long-polling'), onUnauthorized });
  await refuse(401)();
  assert.equal(states.at(-1), 'connecting long-polling');
  assert.equal(env.requests.length, 2);
});

test('after it was closed a restart begins with the best transport', async () => {
  connect({ transports: ['websocket', 'long-polling'] });
  for (const pause of [1000, 1000]) {
    env.last().end();
    await env.advance(pause);
  }
  env.requests[0].answer(401);
  await env.settle();
  assert.equal(states.at(-1), 'closed long-polling');
  connection.restart();
  assert.equal(env.links.length, 3);
});

test('transports are chosen by name and order', () => {
  assert.deepEqual(chooseTransports(null), ['websocket', 'sse', 'long-polling', 'interval-polling']);
  assert.deepEqual(chooseTransports(' sse  websocket sse nonsense toString'), ['sse', 'websocket']);
  assert.equal(chooseTransports('nonsense').length, 4);
});
