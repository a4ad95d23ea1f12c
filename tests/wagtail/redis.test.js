/** Sites that publish to Redis: `live serve` takes the place of `manage.py run_publisher`, and nothing else changes. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { listenIn, openPage } from '../browser/support/browser.js';
import { freePort, startRedis } from '../browser/support/process.js';
import { startLive } from './support/live.js';
import { allShow, BEFORE, playMatch } from './support/posts.js';
import { STAND_IN, startSite } from './support/site.js';

/**
 * A site, and Live with the same settings.
 * @param {import('node:test').TestContext} t
 * @param {string} kind the package of the publisher, which is the name of its template as well
 * @param {string} publisher its class
 * @param {string} host
 */
const startBoth = async (t, kind, publisher, host) => {
  const settings = {
    WAGTAIL_LIVE_PUBLISHER: `wagtail_live.publishers.${kind}.${publisher}`,
    WAGTAIL_LIVE_REDIS_URL: `redis://${await startRedis(t)}/1`,
    WAGTAIL_LIVE_SERVER_HOST: host,
    WAGTAIL_LIVE_SERVER_PORT: await freePort(),
  };
  const pages = { final: `wagtail_live/websocket/${kind}.html`, other: `wagtail_live/websocket/${kind}.html` };
  const [site] = await Promise.all([
    startSite(t, { pages, settings, imports: [STAND_IN] }),
    startLive(t, [], { ...settings, WAGTAIL_LIVE_SERVER_PORT: String(settings.WAGTAIL_LIVE_SERVER_PORT) }),
  ]);
  return { site, at: `ws://${host}:${settings.WAGTAIL_LIVE_SERVER_PORT}`, url: site.url.replace('127.0.0.1', host) };
};

describe('an unmodified site', { concurrency: true }, () => {
  for (const [kind, publisher, host] of [
    ['starlette', 'StarlettePublisher', '127.0.0.1'],
    ['websockets', 'WebsocketsPublisher', 'localhost'],
  ]) {
    test(`with the ${publisher} is live over Live's WebSocket, by its settings alone`, async (t) => {
      const { site, at, url } = await startBoth(t, kind, publisher, host);
      await site.post('final', BEFORE);
      const { urls, prepare } = listenIn();
      const readers = [await openPage(t, `${url}/final/`, { prepare }), await openPage(t, `${url}/final/`)];
      await allShow(readers, [BEFORE]);
      assert.deepEqual(urls, [`${at}/ws/channel/final/`]);

      await playMatch(site, readers);
    });
  }
});
