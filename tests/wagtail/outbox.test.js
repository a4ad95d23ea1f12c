/** `python/live_outbox`: what is saved is published, also where the site ends in between. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { eventually } from '../browser/support/eventually.js';
import { FakeLive } from './support/fake-live.js';
import { PYTHON, startSite } from './support/site.js';

/** @param {import('node:test').TestContext} t */
const startBoth = async (t) => {
  const live = await new FakeLive().start(t);
  const settings = {
    WAGTAIL_LIVE_PUBLISHER: 'live_outbox.publisher.OutboxPublisher',
    LIVE_SERVER: live.url,
    // No save is over before the test has done to it what it wants.
    LIVE_PUBLISH_TIMEOUT: 60,
    SITE_APPS: ['live_publisher', 'live_outbox'],
    SITE_ATOMIC_REQUESTS: true,
  };
  return { live, site: await startSite(t, { pages: { final: 'wagtail_live/websocket/starlette.html' }, settings, imports: [PYTHON] }) };
};

/** The words of the only post in an update. */
const words = ({ update }) => Object.values(update.renders).map(({ content }) => /post \w+/.exec(content)[0]).join();
const key = ({ headers }) => headers['idempotency-key'];

describe('a site with an outbox', { concurrency: true }, () => {
  test('that ends between saving a post and publishing it publishes it all the same, with the same key', async (t) => {
    const { live, site } = await startBoth(t);
    live.answer = () => undefined;
    const saving = site.post('final', 'post one').catch(() => 'the site is gone');
    await eventually(() => assert.equal(live.requests.length, 1));
    await site.crash();
    assert.equal(await saving, 'the site is gone');
    const [first] = live.requests;
    live.script();
    const sent = await site.manage(['send_outbox']);
    assert.deepEqual([sent.code, sent.errors], [0, '']);
    assert.deepEqual(live.requests.map(words), ['post one']);
    assert.deepEqual(live.requests.map(key), [key(first)]);
    await site.manage(['send_outbox']);
    assert.equal(live.requests.length, 1, 'what Live has is not sent again');
  });

  test('publishes what is saved and nothing else, in its order', async (t) => {
    const { live, site } = await startBoth(t);

    await t.test('nothing of a transaction that is taken back', async () => {
      const code = `
from django.db import transaction
from django.utils.timezone import now
from wagtail_live.blocks import construct_live_post_block
from liveblog.models import LiveBlogPage
with transaction.atomic():
    LiveBlogPage.objects.get(channel_id="final").add_live_post(construct_live_post_block("1", now()))
    transaction.set_rollback(True)`;
      const shell = await site.manage(['shell', '-c', code]);
      assert.deepEqual([shell.code, shell.errors], [0, '']);
      assert.equal((await site.manage(['send_outbox'])).code, 0);
      assert.deepEqual(live.requests, []);
    });

    await t.test('in order while Live is away, and not held up by one update that Live never takes', async () => {
      live.script({ status: 401 }, { status: 401 }, { status: 401 });
      for (const number of ['one', 'two', 'three']) await site.post('final', `post ${number}`);
      assert.deepEqual(live.requests.map(words), ['post one', 'post one', 'post one'], 'none goes before the first');
      const waits = await site.manage(['send_outbox'], { LIVE_SERVER: 'http://127.0.0.1:1', LIVE_PUBLISH_TIMEOUT: 1 });
      assert.match(waits.errors, /Live does not take them at the moment/);
      live.script({ status: 413 });
      await site.post('final', 'post four');
      assert.deepEqual(live.requests.map(words), ['post one', 'post two', 'post three', 'post four']);
      assert.equal((await site.manage(['send_outbox'])).code, 0);
      assert.equal(live.requests.length, 4);
    });

    await t.test('it does not start where posts and updates would not be in one transaction, and its migration fits its model', async () => {
      const refused = await site.manage(['check'], { SITE_ATOMIC_REQUESTS: false });
      assert.match(refused.errors, /OutboxPublisher needs ATOMIC_REQUESTS/);
      const migrations = await site.manage(['makemigrations', '--check', '--dry-run', 'live_outbox'], { MIGRATION_MODULES: {} });
      assert.equal(migrations.code, 0, migrations.out + migrations.errors);
    });
  });
});
