/** PieSocket's own SDK, and pages of Wagtail Live's PieSocket publisher, with `live serve` in the service's place. The service itself is not asked. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import { request } from 'node:https';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { newContext, NETWORK, openPage } from './support/browser.js';
import { atEnd } from './support/cleanup.js';
import { eventually } from './support/eventually.js';
import { binary } from './support/example.js';
import { startProcess } from './support/process.js';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
/** As it comes from the registry: its file for a script tag, which connects over TLS alone. */
const SDK = readFileSync(createRequire(at('../../js/package.json')).resolve('piesocket-js/dist/piesocket.js'));
/** For 127.0.0.1, signed by an authority that the browser is told to overlook. */
const CERTIFICATE = at('../../crates/live-core/tests/core/redis/tls/server.pem');
const CERTIFICATE_KEY = at('../../crates/live-core/tests/core/redis/tls/server.key');

const KEY = 'the-api-key';
const SECRET = "the account's secret, of 32 bytes or more";

/** @param {import('node:test').TestContext} t @returns {Promise<string>} where the server is, `127.0.0.1:PORT` */
const startServer = async (t) => {
  const account = ['--piesocket-key', KEY, '--piesocket-secret', SECRET, '--jwt-leeway', '0s', '--heartbeat', '500ms'];
  const tls = ['--tls-cert', CERTIFICATE, '--tls-key', CERTIFICATE_KEY];
  const args = ['serve', '--listen', '127.0.0.1:0', '--admin', 'none', '--log', 'warn', ...account, ...tls];
  const [, address] = await startProcess(t, binary('live'), args, /listening on https:\/\/(\S+)/);
  return address;
};

/** Publishes as Wagtail Live's publisher does. @param {string} server @param {string} channelId @param {Record<string, string>} posts @param {string[]} [removals] */
const publish = (server, channelId, posts, removals = []) => {
  const renders = Object.fromEntries(
    Object.entries(posts).map(([id, text]) => [id, { show: true, content: `<div class="live-post" data-post-id="${id}">${text}</div>` }]),
  );
  const body = JSON.stringify({ key: KEY, secret: SECRET, channelId, message: { renders, removals } });
  const options = { method: 'POST', headers: { 'Content-Type': 'application/json' }, rejectUnauthorized: false };
  return new Promise((resolve, reject) => {
    const asked = request(`https://${server}/api/publish`, options, (answer) => {
      answer.resume();
      answer.on('end', () => (answer.statusCode === 200 ? resolve() : reject(new Error(`publishing: ${answer.statusCode}`))));
    });
    asked.on('error', reject);
    asked.end(body);
  });
};

/** A token as PieSocket's documentation has it made. @param {string} channel @param {number} seconds from now on */
const tokenFor = (channel, seconds) => {
  const encoded = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Date.now() / 1000;
  const text = `${encoded({ alg: 'HS256', typ: 'JWT' })}.${encoded({ sub: channel, iat: Math.floor(now), exp: now + seconds })}`;
  return `${text}.${createHmac('sha256', SECRET).update(text).digest('base64url')}`;
};

/**
 * A site on a port of its own: one page with these scripts, and where the SDK asks for tokens.
 * @param {import('node:test').TestContext} t
 * @param {string} html
 * @param {(channel: string) => string} [admit] the token for a channel
 */
const startSite = async (t, html, admit) => {
  const site = createServer((incoming, answer) => {
    if (incoming.url === '/broadcasting/auth') {
      let body = '';
      incoming.on('data', (data) => (body += data));
      incoming.on('end', () => {
        const [, channel] = /name="channel_name"\r\n\r\n(.*?)\r\n/.exec(body) ?? [];
        answer.end(JSON.stringify({ auth: admit?.(channel) }));
      });
      return;
    }
    const file = { '/piesocket.js': SDK, '/favicon.ico': '' }[incoming.url];
    answer.setHeader('Content-Type', file === undefined ? 'text/html; charset=utf-8' : 'text/javascript');
    answer.end(file ?? html);
  });
  await new Promise((resolve) => site.listen(0, '127.0.0.1', resolve));
  atEnd(t, () => {
    site.closeAllConnections();
    return new Promise((resolve) => site.close(resolve));
  });
  return `http://127.0.0.1:${site.address().port}/`;
};

/** Opens a page of a site whose certificate is not looked at, and counts its WebSockets. */
const open = async (t, url, expected) => {
  const context = await newContext(t, { ignoreHTTPSErrors: true });
  const sockets = [];
  const prepare = (page) => page.on('websocket', (socket) => sockets.push(socket));
  return { page: await openPage(t, url, { context, expected, prepare }), sockets };
};

/** A page that keeps what its channel's events say. @param {string} server @param {string} channel @param {string} options of the SDK */
const withSdk = (server, channel, options = '') => `<!doctype html><title>The SDK</title><script src="/piesocket.js"></script><script>
  const said = [];
  const service = new PieSocket.default({ clusterDomain: '${server}', apiKey: '${KEY}', ${options} });
  const subscribed = service.subscribe('${channel}').then((channel) => {
    channel.on('message', ({ data }) => said.push(JSON.parse(data)));
    channel.on('close', ({ code }) => said.push({ code }));
    channel.listen('system:member_list', ({ members }) => said.push({ members }));
    return channel;
  });
</script>`;

/** What the page was told, once it is so. @param {import('playwright-core').Page} page @param {(said: any[]) => void} check */
const wasTold = (page, check) => eventually(async () => check(await page.evaluate(() => said)));

describe('with live serve in the place of PieSocket', () => {
  test('its SDK brings every update to the page', async (t) => {
    const server = await startServer(t);
    const { page, sockets } = await open(t, await startSite(t, withSdk(server, 'blog')));
    await page.evaluate(() => subscribed.then(() => {}));
    assert.match(sockets[0].url(), /^wss:.*\/v3\/blog\?api_key=the-api-key&notify_self=0&source=jssdk&v=[\d.]+&presence=0&uuid=/);
    await publish(server, 'blog', { 1: 'Kick-off', 2: 'Goal' });
    await publish(server, 'blog', {}, ['1']);
    await publish(server, 'other', { 3: 'elsewhere' });
    await wasTold(page, (said) => {
      const posts = said.flatMap(({ renders }) => Object.keys(renders));
      assert.deepEqual(posts, ['1', '2']);
      assert.match(said.find(({ renders }) => renders[2]).renders[2].content, /Goal/);
      assert.deepEqual(said.flatMap(({ removals }) => removals), ['1']);
    });
    assert.equal(await page.evaluate(() => service.unsubscribe('blog')), true);
    assert.equal(sockets.length, 1);
  });

  test('who asks for presence finds itself', async (t) => {
    const server = await startServer(t);
    const { page } = await open(t, await startSite(t, withSdk(server, 'blog', 'presence: 1, userId: "ada"')));
    await wasTold(page, (said) => assert.equal(said.find(({ members }) => members)?.members.length, 1));
    const member = await page.evaluate(() => subscribed.then((channel) => ({ ...channel.getCurrentMember(), own: channel.uuid })));
    assert.deepEqual({ user: member.user, uuid: member.uuid }, { user: 'ada', uuid: member.own });
  });

  test('another key is refused', async (t) => {
    const server = await startServer(t);
    const { page } = await open(t, await startSite(t, withSdk(server, 'blog', 'apiKey: "another"')), NETWORK);
    assert.match(await page.evaluate(() => subscribed.catch(String)), /Failed to make websocket connection/);
  });

  test('a private channel is read with the token of the site, and left in peace when it has ended', async (t) => {
    const server = await startServer(t);
    const asked = [];
    const site = await startSite(t, withSdk(server, 'private-blog'), (channel) => {
      asked.push(channel);
      return tokenFor(channel, 4);
    });
    const { page, sockets } = await open(t, site);
    await page.evaluate(() => subscribed.then(() => {}));
    await publish(server, 'private-blog', { 1: 'for subscribers' });
    await wasTold(page, (said) => assert.ok(said.some(({ renders }) => renders?.[1])));
    assert.deepEqual(asked, ['private-blog']);
    await wasTold(page, (said) => assert.equal(said.at(-1).code, 4100));
    const last = await page.evaluate(() => said.at(-2));
    assert.match(last.error, /jwt/);
    // It would have reconnected within the same task.
    assert.equal(sockets.length, 1);
  });

  test('a private channel is closed to whom the site gives no token', async (t) => {
    const server = await startServer(t);
    const { page } = await open(t, await startSite(t, withSdk(server, 'private-blog'), () => ''), NETWORK);
    assert.match(await page.evaluate(() => subscribed.catch(String)), /Failed to make websocket connection/);
    const { page: other } = await open(t, await startSite(t, withSdk(server, 'private-blog'), () => tokenFor('private-news', 60)), NETWORK);
    assert.match(await other.evaluate(() => subscribed.catch(String)), /Failed to make websocket connection/);
  });

  test("a page of Wagtail Live's publisher shows the posts", async (t) => {
    const server = await startServer(t);
    const site = await startSite(t, `<!doctype html><title>Wagtail Live</title><div id="live-posts"></div>
      <script>const channelID = "blog", piesocketApiKey = "${KEY}", piesocketEndpoint = "${server}/v3/";</script>
      <script src="https://${server}/wagtail-live.js"></script>
      <script>const publisher = new PieSocketPublisher(); publisher.start();</script>`);
    const { page, sockets } = await open(t, site);
    await eventually(() => assert.equal(sockets.length, 1));
    await publish(server, 'blog', { 1: 'Kick-off' });
    await page.getByText('Kick-off').waitFor();
    await publish(server, 'blog', { 1: 'Kick-off, at last', 2: 'Goal' });
    await page.getByText('Goal').waitFor();
    const texts = () => page.$$eval('#live-posts > .live-post-wrapper', (posts) => posts.map((post) => post.textContent));
    assert.deepEqual(await texts(), ['Goal', 'Kick-off, at last']);
  });
});
