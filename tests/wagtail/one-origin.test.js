/** Pages that ask their own origin: nginx stands before the site, and sends readers' requests to `live serve`. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { listenIn, NETWORK, openPage } from '../browser/support/browser.js';
import { eventually } from '../browser/support/eventually.js';
import { startNginx } from '../browser/support/nginx.js';
import { startLive } from './support/live.js';
import { allShow } from './support/posts.js';
import { PYTHON, startSite } from './support/site.js';

const TOKEN = 'a-token-of-a-test';
const PAGES = {
  interval: 'wagtail_live/polling/interval_polling.html',
  long: 'wagtail_live/polling/long_polling.html',
  channels: 'wagtail_live/websocket/django_channels.html',
};
/** Milliseconds between two polls at intervals, and seconds that a long poll waits: short, so that a test sees many. */
const INTERVAL = 300;
const WAIT = 1;

/** A site, Live with the settings that a site has for polling, and nginx before both. @param {import('node:test').TestContext} t */
const startAll = async (t) => {
  const polling = { WAGTAIL_LIVE_POLLING_INTERVAL: `${INTERVAL}`, WAGTAIL_LIVE_POLLING_TIMEOUT: `${WAIT}` };
  const { match: [, address] } = await startLive(t, ['--listen', '127.0.0.1:0', '--publish-token', TOKEN, '--trusted-proxies', '127.0.0.1'], polling);
  const settings = {
    WAGTAIL_LIVE_PUBLISHER: 'live_publisher.LivePublisher',
    LIVE_SERVER: `http://${address}`,
    LIVE_PUBLISH_TOKEN: TOKEN,
    SITE_APPS: ['live_publisher'],
  };
  const site = await startSite(t, { pages: PAGES, settings, imports: [PYTHON] });
  const places = { 'http://127.0.0.1:8765': `http://${address}`, 'http://127.0.0.1:8000': site.url };
  return { site, url: await startNginx(t, new URL('nginx/live.conf', import.meta.url), places) };
};

/** Keeps which requests a page makes for updates. */
const watchPolls = () => {
  const polls = [];
  const prepare = (page) => page.on('response', (response) => {
    const { pathname, search } = new URL(response.url());
    if (pathname.includes('/get-updates/')) polls.push(`${response.request().method()} ${pathname}${search && '?'} ${response.status()}`);
  });
  return { polls, prepare };
};

/** @param {string[]} polls @param {string} poll */
const waitFor = (polls, poll) => eventually(() => assert.ok(polls.includes(poll), polls.join('\n')));

describe('an unmodified page that asks its own origin', () => {
  test('is live by polling at intervals, by long polling and over the WebSocket of Channels, on one server', async (t) => {
    const { site, url } = await startAll(t);
    for (const channel of Object.keys(PAGES)) await site.post(channel, 'before anybody came');
    const [intervals, longs, sockets] = [watchPolls(), watchPolls(), listenIn()];
    const readers = [
      await openPage(t, `${url}/interval/`, { ...intervals, expected: NETWORK }),
      await openPage(t, `${url}/long/`, { ...longs, expected: NETWORK }),
      await openPage(t, `${url}/channels/`, sockets),
    ];
    await allShow(readers, ['before anybody came']);
    assert.match(sockets.urls[0], /^ws:\/\/127\.0\.0\.1:\d+\/ws\/channel\/channels\/$/);
    // Polling needs the whole page, and Live knows one post of it.
    await waitFor(intervals.polls, 'POST /wagtail_live/get-updates/interval/ 404');
    await waitFor(longs.polls, 'POST /wagtail_live/get-updates/long/ 404');
    assert.equal((await site.manage(['seed_live'])).errors, '');
    await waitFor(intervals.polls, 'POST /wagtail_live/get-updates/interval/ 200');
    await waitFor(longs.polls, 'POST /wagtail_live/get-updates/long/ 200');

    /** On all pages, one after the other: SQLite has one writer. */
    const everywhere = async (act) => {
      const done = [];
      for (const [index, channel] of Object.keys(PAGES).entries()) done.push(await act(channel, index));
      return done;
    };
    const first = await everywhere((channel) => site.post(channel, 'Kick-off <b>now</b>!'));
    await allShow(readers, ['Kick-off now!', 'before anybody came']);
    const second = await everywhere((channel) => site.post(channel, 'Goäl!'));
    await everywhere((channel, index) => site.edit(channel, first[index], 'Kick-off was late'));
    await allShow(readers, ['Goäl!', 'Kick-off was late', 'before anybody came']);
    await everywhere((channel, index) => site.hide(channel, second[index]));
    await allShow(readers, ['Kick-off was late', 'before anybody came']);
    await everywhere((channel, index) => site.delete(first[index]));
    await allShow(readers, ['before anybody came']);

    // While nothing happens, one kind looks without asking for content, and the other waits.
    for (const [polls, poll] of [[intervals.polls, 'HEAD /wagtail_live/get-updates/interval/ 200'], [longs.polls, 'GET /wagtail_live/get-updates/long/? 200']]) {
      const before = polls.length;
      await eventually(() => assert.ok(polls.length >= before + 3));
      assert.deepEqual([...new Set(polls.slice(before))], [poll]);
    }
  });
});
