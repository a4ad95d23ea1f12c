/** The pages as readers and reporters have them in front of them. Look at the pictures in `target/screens/` when you change a look. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { DESKTOP, NETWORK, openPage, openReader, PHONE } from './support/browser.js';
import { eventually } from './support/eventually.js';
import { startExample } from './support/example.js';
import { faintTexts, sidewaysScroll, smallTargets, takeScreenshot } from './support/look.js';
import { allShow } from './support/posts.js';

const TRANSCRIPT = [
  [369360, 'Buzz Aldrin', 'Forward. Drifting to the right a little. Twenty feet, down a half.'],
  [369402, 'Buzz Aldrin', 'Contact light.'],
  [369415, 'Neil Armstrong', 'Engine arm is off.'],
  [369417, 'Neil Armstrong', 'Houston, Tranquility Base here. The Eagle has landed.'],
  [369423, 'Charlie Duke', 'Roger, Tranquility. We copy you on the ground. You got a bunch of guys about to turn blue. We’re breathing again. Thanks a lot.'],
];
const LONG =
  'The crew will rest before the walk on the surface, or so the flight plan says; in the viewing room nobody expects that they will.\n\n' +
  'The transcript is at https://www.hq.nasa.gov/alsj/a11/a11.landing.html (with comments by the crew), ' +
  'and a word without a break is donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft.\n\n' +
  'Questions: desk@example.org';

/** A blog in the middle of its day: said, pinned, edited, hidden, short and long. @param {import('node:test').TestContext} t */
const startDay = async (t) => {
  const site = await startExample(t);
  const file = join(site.folder, 'transcript.jsonl');
  const lines = TRANSCRIPT.map(([at, speaker, text], index) => JSON.stringify({ at, id: `said-${index}`, speaker, vehicle: index === 4 ? 'CAPCOM' : 'EAGLE', text }));
  await writeFile(file, lines.join('\n'));
  await site.crash();
  await site.start(['--title', 'Apollo 11: the landing, as it happens', '--replay', file, '--speed', 'max']);
  await eventually(() => assert.match(site.errors, /replay: done/));
  await site.post(LONG, { id: 'long', author: 'The desk' });
  await site.post('A rumour that we could not confirm.', { id: 'rumour', author: 'Jo' });
  await site.post('Mission control confirms: the landing was at 20:17 UTC.', { id: 'time', author: 'Jo' });
  await site.act('rumour', 'hide');
  await site.act('said-3', 'pin');
  await site.edit('time', 'Mission control confirms: the landing was at 20:17:40 UTC.');
  return site;
};

/** What every page must do on every screen. */
const looksRight = async (page) => {
  assert.equal(await sidewaysScroll(page), 0, 'nothing sticks out');
  assert.deepEqual(await faintTexts(page), [], 'everything can be read');
  assert.deepEqual(await smallTargets(page), [], 'everything can be hit');
};

const SCREENS = [['phone', PHONE], ['desktop', DESKTOP]].flatMap(([device, viewport]) =>
  ['light', 'dark'].map((colorScheme) => ({ name: `${device}-${colorScheme}`, viewport, colorScheme, isMobile: device === 'phone', hasTouch: device === 'phone' })));

describe('the look', { concurrency: 2 }, () => {
  test('the reader’s page looks right on a phone and a desktop, light and dark', async (t) => {
    const site = await startDay(t);
    for (const { name, ...screen } of SCREENS) {
      const page = await openReader(t, site.url, screen);
      await looksRight(page);
      await takeScreenshot(page, `reader-${name}`);
    }
  });

  test('the composer looks right on a phone and a desktop, light and dark', async (t) => {
    const site = await startDay(t);
    for (const { name, ...screen } of SCREENS) {
      const page = await openReader(t, `${site.url}/compose#token=${site.token}`, screen);
      await page.locator('.item').nth(7).waitFor();
      await page.fill('#text', LONG);
      await page.fill('#author', 'The desk');
      await looksRight(page);
      await takeScreenshot(page, `composer-${name}`);
      await page.locator('[data-id=rumour] [data-act=edit]').click();
      await page.locator('[data-id=said-4] [data-act=delete]').click();
      await page.locator('#undo:not([hidden])').waitFor();
      await looksRight(page);
      await page.$eval('.edit', (form) => form.scrollIntoView({ block: 'center' }));
      await takeScreenshot(page, `composer-edit-${name}`);
      await site.act('said-4', 'restore');
    }
  });

  test('what is rarer looks right, too', async (t) => {
    const site = await startDay(t);
    const [phone, , desktop] = SCREENS.map(({ name, ...screen }) => screen);
    const show = async (name, path, screen, prepare = () => {}) => {
      const page = await openPage(t, site.url + path, { ...screen, expected: NETWORK });
      await prepare(page);
      await looksRight(page);
      await takeScreenshot(page, name);
      return page;
    };
    await show('sign-in-phone', '/compose', phone, (page) => page.waitForSelector('#sign-in:not([hidden])'));
    await show('keys-desktop', `/compose#token=${site.token}`, desktop, (page) => page.click('#help-button'));
    await show('post-phone', '/posts/said-4', phone);
    await show('no-javascript-phone', '/', { ...phone, javaScriptEnabled: false });
    const scrolled = await show('offline-phone', '/', phone, async (page) => {
      await page.waitForSelector('live-page[data-live-state=live]');
      await page.context().setOffline(true);
      await page.waitForSelector('live-page[data-live-state=offline]');
    });
    await scrolled.context().setOffline(false);
    await scrolled.waitForSelector('live-page[data-live-state=live]');
    await scrolled.evaluate(() => scrollTo(0, 700));
    await site.post('Two more hours to wait.', { author: 'Jo' });
    await scrolled.waitForSelector('.live-more:not([hidden])');
    await looksRight(scrolled);
    await takeScreenshot(scrolled, 'scrolled-phone');
  });

  test('a blog without posts looks right', async (t) => {
    const site = await startExample(t);
    const page = await openReader(t, site.url, SCREENS[0]);
    await looksRight(page);
    await takeScreenshot(page, 'empty-phone');
    await site.post('The first post.');
    await allShow(site.url, [page]);
    assert.ok(await page.getByText('Nothing yet').isHidden());
  });
});
