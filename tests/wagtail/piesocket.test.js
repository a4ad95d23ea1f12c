/** A site that publishes to PieSocket: `live serve` takes the service's place, for its publisher and for its pages. The service itself is not asked. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { listenIn, newContext, openPage } from '../browser/support/browser.js';
import { eventually } from '../browser/support/eventually.js';
import { startLive } from './support/live.js';
import { allShow, BEFORE, playMatch } from './support/posts.js';
import { startSite } from './support/site.js';

/** The publisher and the pages speak TLS alone: a certificate for 127.0.0.1, and the authority that the site trusts. */
const tls = (file) => fileURLToPath(new URL(`../../crates/live-core/tests/core/redis/tls/${file}`, import.meta.url));

const ACCOUNT = {
  WAGTAIL_LIVE_PUBLISHER: 'wagtail_live.publishers.piesocket.PieSocketPublisher',
  PIESOCKET_API_KEY: 'the-api-key',
  PIESOCKET_SECRET: "the account's secret, of 32 bytes or more",
};

/** Live with the site's own settings, and a site that has its address. @param {import('node:test').TestContext} t */
const startBoth = async (t) => {
  const args = ['--listen', '127.0.0.1:0', '--tls-cert', tls('server.pem'), '--tls-key', tls('server.key')];
  const { match: [, address] } = await startLive(t, args, ACCOUNT);
  const site = await startSite(t, {
    pages: { final: 'wagtail_live/websocket/piesocket.html', other: 'wagtail_live/websocket/piesocket.html' },
    settings: {
      ...ACCOUNT,
      PIESOCKET_ENDPOINT: `${address}/v3/`,
      PIESOCKET_PUBLISH_URL: `https://${address}/api/publish`,
      SITE_APPS: ['elsewhere'],
    },
    env: { REQUESTS_CA_BUNDLE: tls('authority.pem') },
  });
  return { address, site };
};

describe('an unmodified site', () => {
  test("with the PieSocketPublisher is live over PieSocket's protocol, once it has Live's address", async (t) => {
    const { address, site } = await startBoth(t);
    await site.post('final', BEFORE);
    const context = await newContext(t, { ignoreHTTPSErrors: true });
    const { urls, prepare } = listenIn();
    const readers = [
      await openPage(t, `${site.url}/final/`, { context, prepare }),
      await openPage(t, `${site.url}/final/`, { context }),
    ];
    await allShow(readers, [BEFORE]);
    await eventually(() => assert.deepEqual(urls, [`wss://${address}/v3/final?api_key=the-api-key`]));
    await playMatch(site, readers);
    assert.doesNotMatch(site.said(), /Failed publishing/);
  });
});
