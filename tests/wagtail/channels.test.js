/** Sites with Django Channels: `live serve` takes Daphne's place for the WebSocket, and nothing else changes. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { listenIn, openPage } from '../browser/support/browser.js';
import { startNginx } from '../browser/support/nginx.js';
import { startRedis } from '../browser/support/process.js';
import { startLive } from './support/live.js';
import { allShow, BEFORE, playMatch } from './support/posts.js';
import { startSite } from './support/site.js';

/** The layers of channels_redis: the class in the site's settings, and the bus that stands for it. */
const LAYERS = {
  core: { backend: 'channels_redis.core.RedisChannelLayer', bus: (redis) => `redis+channels://${redis}/0?layer=core` },
  pubsub: { backend: 'channels_redis.pubsub.RedisPubSubChannelLayer', bus: (redis) => `redis+channels://${redis}/0?layer=pubsub` },
};

/** A site that publishes to its channel layer, Live on the same, and nginx before both. @param {import('node:test').TestContext} t @param {keyof typeof LAYERS} layer */
const startAll = async (t, layer) => {
  const redis = await startRedis(t);
  const { backend, bus } = LAYERS[layer];
  const settings = {
    WAGTAIL_LIVE_PUBLISHER: 'wagtail_live.publishers.django_channels.DjangoChannelsPublisher',
    CHANNEL_LAYERS: { default: { BACKEND: backend, CONFIG: { hosts: [`redis://${redis}/0`] } } },
  };
  const page = 'wagtail_live/websocket/django_channels.html';
  const [site, live] = await Promise.all([
    startSite(t, { pages: { final: page, other: page }, settings }),
    startLive(t, ['--listen', '127.0.0.1:0', '--bus', bus(redis), '--trusted-proxies', '127.0.0.1']),
  ]);
  const places = { 'http://127.0.0.1:8765': `http://${live.match[1]}`, 'http://127.0.0.1:8000': site.url };
  return { site, url: await startNginx(t, new URL('nginx/live.conf', import.meta.url), places) };
};

describe('an unmodified site with Django Channels', { concurrency: true }, () => {
  for (const layer of Object.keys(LAYERS)) {
    test(`and the ${layer} layer is live over Live's WebSocket`, async (t) => {
      const { site, url } = await startAll(t, layer);
      await site.post('final', BEFORE);
      const { urls, prepare } = listenIn();
      const readers = [await openPage(t, `${url}/final/`, { prepare }), await openPage(t, `${url}/final/`)];
      await allShow(readers, [BEFORE]);
      assert.match(urls[0], /^ws:\/\/127\.0\.0\.1:\d+\/ws\/channel\/final\/$/);
      await playMatch(site, readers);
    });
  }
});
