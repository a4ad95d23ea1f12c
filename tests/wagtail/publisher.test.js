/** `python/live_publisher`: sites whose posts reach Live by HTTP, and what becomes of a save when they do not. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { NETWORK, openPage } from '../browser/support/browser.js';
import { atEnd } from '../browser/support/cleanup.js';
import { eventually } from '../browser/support/eventually.js';
import { freePort } from '../browser/support/process.js';
import { FakeLive } from './support/fake-live.js';
import { startLive } from './support/live.js';
import { allShow } from './support/posts.js';
import { PYTHON, startSite } from './support/site.js';

const TOKEN = 'a-token-of-a-test';
/** Seconds that a save waits for a Live that answers: as long as a busy machine may take. */
const PATIENT = 60;
/** Seconds that it waits for one that does not. */
const HASTY = 1;
/** Milliseconds after which a hasty save has to be done, on a busy machine, too. */
const DONE = 30_000;

/** @param {import('node:test').TestContext} t @param {Record<string, unknown>} settings */
const startPublishingSite = (t, settings) =>
  startSite(t, {
    pages: {
      final: 'wagtail_live/websocket/starlette.html',
      other: 'wagtail_live/websocket/starlette.html',
      returning: 'liveblog/reconnecting.html',
    },
    imports: [PYTHON],
    settings: {
      WAGTAIL_LIVE_PUBLISHER: 'live_publisher.LivePublisher',
      LIVE_PUBLISH_TOKEN: TOKEN,
      LIVE_PUBLISH_TIMEOUT: PATIENT,
      SITE_APPS: ['live_publisher'],
      ...settings,
    },
  });

/** @param {string} address @param {string} channel */
const wholePage = async (address, channel) => {
  const answer = await fetch(`http://${address}/updates/${channel}/?cursor=*`);
  assert.equal(answer.status, 200);
  return answer.json();
};

describe('a site with the LivePublisher', { concurrency: true }, () => {
  test('is live without Redis, and seeded its pages are whole', async (t) => {
    const port = await freePort();
    const site = await startPublishingSite(t, { WAGTAIL_LIVE_SERVER_HOST: '127.0.0.1', WAGTAIL_LIVE_SERVER_PORT: port });
    // Live is not there yet.
    await site.changeSettings({ LIVE_PUBLISH_TIMEOUT: HASTY });
    const early = await site.post('final', 'early');
    const hidden = await site.post('final', 'a secret');
    await site.hide('final', hidden);
    await site.changeSettings({ LIVE_PUBLISH_TIMEOUT: PATIENT });
    const address = `127.0.0.1:${port}`;
    await startLive(t, ['--listen', address, '--publish-token', TOKEN]);

    const reader = await openPage(t, `${site.url}/final/`);
    const late = await site.post('final', 'late');
    await allShow([reader], ['late', 'early']);
    assert.equal((await wholePage(address, 'final')).reset, undefined, 'Live knows only what it was sent');

    const seeded = await site.manage(['seed_live']);
    assert.deepEqual([seeded.code, seeded.errors], [0, '']);
    assert.equal(seeded.out, 'final: 3 posts\nother: 0 posts\nreturning: 0 posts\n');
    const { reset, renders } = await wholePage(address, 'final');
    assert.equal(reset, true);
    const shown = Object.values(renders).sort((a, b) => b.sort - a.sort).map(({ show, content }) => show && /late|early|secret/.exec(content)[0]);
    assert.deepEqual(shown, ['late', false, 'early']);

    await site.edit('final', early, 'early, edited');
    await site.delete(late);
    await site.post('final', 'last');
    await allShow([reader], ['last', 'early, edited']);

    const { cursor } = await wholePage(address, 'final');
    const again = await site.manage(['seed_live', 'final', 'nowhere']);
    assert.equal(again.code, 1);
    assert.equal(again.out, 'final: 3 posts\n');
    assert.match(again.errors, /nowhere: no published page has it/);
    assert.equal((await wholePage(address, 'final')).cursor, cursor, 'a seed with nothing new sends nothing');
  });

  test("with Live's script in the place of websocket.js comes back by itself after Live was away", async (t) => {
    const [port, folder] = [await freePort(), mkdtempSync(join(tmpdir(), 'live-wagtail-'))];
    atEnd(t, () => rmSync(folder, { recursive: true, force: true }));
    const start = () => startLive(t, ['--listen', `127.0.0.1:${port}`, '--publish-token', TOKEN, '--bus', `sqlite:${join(folder, 'live.db')}`]);
    const live = await start();
    const site = await startPublishingSite(t, { WAGTAIL_LIVE_SERVER_HOST: '127.0.0.1', WAGTAIL_LIVE_SERVER_PORT: port });
    const reader = await openPage(t, `${site.url}/returning/`, { expected: NETWORK });
    await site.post('returning', 'before');
    await allShow([reader], ['before']);
    live.child.kill('SIGKILL');
    await live.ended;
    await start();
    await site.post('returning', 'after');
    await allShow([reader], ['after', 'before']);
  });

  test('saves posts whatever Live does', async (t) => {
    const live = await new FakeLive().start(t);
    const site = await startPublishingSite(t, { LIVE_SERVER: `${live.url}/readers/` });
    let heard = site.said().length;
    /** Waits until the site has logged this since it was last asked. @param {RegExp} pattern */
    const complains = (pattern) =>
      eventually(() => {
        const news = site.said().slice(heard);
        assert.match(news, pattern);
        heard += news.length;
      });
    const isCalm = () => assert.equal(site.said().slice(heard), '');

    await t.test('it sends the token, a key, and no hidden content', async () => {
      const id = await site.post('final', 'to be hidden');
      await site.hide('final', id);
      const [created, gone] = live.requests;
      assert.equal(created.path, '/readers/publish/final/');
      assert.equal(created.headers.authorization, `Bearer ${TOKEN}`);
      const [post] = Object.keys(created.update.renders);
      assert.match(created.update.renders[post].content, /to be hidden/);
      const { sort } = created.update.renders[post];
      assert.deepEqual(gone.update, { renders: { [post]: { show: false, sort } }, removals: [] });
      assert.notEqual(created.headers['idempotency-key'], gone.headers['idempotency-key']);
      isCalm();
    });

    await t.test('what is answered 503 is sent again, with its key', async () => {
      live.script({ status: 503, body: 'the bus does not answer' }, { status: 502, body: 'a proxy' });
      await site.post('final', 'in trouble');
      assert.equal(live.requests.length, 3);
      assert.equal(new Set(live.requests.map(({ headers }) => headers['idempotency-key'])).size, 1);
      isCalm();
    });

    await t.test('what is refused is not sent again, and the log says why', async () => {
      live.script({ status: 413, body: 'a post is larger than 262144 bytes' });
      await site.post('final', 'too much');
      assert.equal(live.requests.length, 1);
      await complains(/Not published to the readers of final: .*\/publish\/final\/ answered 413: a post is larger than/);
    });

    await t.test('a redirect is not followed', async () => {
      live.script({ status: 302, headers: { location: `${live.url}/elsewhere` } });
      await site.post('final', 'moved');
      assert.equal(live.requests.length, 1);
      await complains(/answered 302/);
    });

    await t.test("an answer of somebody else's is no success", async () => {
      live.script({ status: 200, body: '<h1>Welcome to nginx!</h1>' });
      await site.post('final', 'lost');
      await complains(/gave an answer that is not Live's/);
    });

    await t.test('a Live that never answers costs a save the time-out', async () => {
      await site.changeSettings({ LIVE_PUBLISH_TIMEOUT: HASTY });
      live.answer = () => undefined;
      const begin = Date.now();
      await site.post('final', 'hanging');
      assert.ok(Date.now() - begin < DONE);
      await complains(/Not published to the readers of final: .*(timed out|no answer)/);
    });

    await t.test('so does one whose answer never ends', async () => {
      live.answer = () => ({ trickles: true });
      const begin = Date.now();
      await site.post('final', 'trickling');
      assert.ok(Date.now() - begin < DONE);
      await complains(/no answer within 1 s/);
    });

    await t.test('a Live that is away costs a save the time-out, and one that comes back in it nothing', async () => {
      await live.close();
      await site.post('final', 'into the void');
      await complains(/Not published to the readers of final: .*refused/);
      await site.changeSettings({ LIVE_PUBLISH_TIMEOUT: PATIENT });
      live.script();
      const saved = site.post('final', 'in time');
      await live.open();
      await saved;
      assert.equal(live.requests.length, 1);
      isCalm();
    });

    await t.test('a seed misses nothing that is published meanwhile', async () => {
      live.script();
      let meanwhile;
      live.answer = async ({ update }) => {
        if (update.reset && !meanwhile) meanwhile = await site.post('final', 'meanwhile');
        return { status: 200, body: '{}' };
      };
      const { code, errors } = await site.manage(['seed_live', 'final']);
      assert.deepEqual([code, errors], [0, '']);
      assert.deepEqual(live.requests.map(({ update }) => Boolean(update.reset)), [true, false, true]);
      assert.match(Object.values(live.requests[2].update.renders).at(-1).content, /meanwhile/);
    });

    await t.test('where the setting says so, a save raises', async () => {
      live.script({ status: 401, body: 'no token' });
      const code = `
from liveblog.models import LiveBlogPage
page = LiveBlogPage.objects.get(channel_id="final")
del page.live_posts[0]
page.save()`;
      const raised = await site.manage(['shell', '-c', code], { LIVE_PUBLISH_RAISES: true });
      assert.equal(raised.code, 1);
      assert.match(raised.errors, /LiveError: .* answered 401: no token/);
    });

    await t.test('a setting that cannot be is refused as the site starts', async () => {
      const server = await site.manage(['check'], { LIVE_SERVER: 'localhost:8765' });
      assert.match(server.errors, /ImproperlyConfigured: LIVE_SERVER must begin with http/);
      const token = await site.manage(['check'], { LIVE_PUBLISH_TOKEN: 'two words' });
      assert.match(token.errors, /ImproperlyConfigured: LIVE_PUBLISH_TOKEN must be visible ASCII/);
    });
  });
});
