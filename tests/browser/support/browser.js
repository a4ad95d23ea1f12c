/** One Chromium for each test file. Every page that it opens is watched: at the end it must have had nothing to complain about. */
import assert from 'node:assert/strict';
import { after } from 'node:test';
import { chromium } from '../../../js/node_modules/playwright-core/index.mjs';
import { atEnd } from './cleanup.js';
import { SOON } from './eventually.js';

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

export const DESKTOP = { width: 1280, height: 900 };
export const PHONE = { width: 390, height: 844 };

/** What a browser says about a server that is away, which is no fault of the page's. */
export const NETWORK = /^(Failed to load resource: |WebSocket connection to '[^']*' failed|Access to .* net::)/;

/** @type {Promise<import('playwright-core').Browser> | undefined} */
let launched;
const browser = () =>
  (launched ??= chromium.launch({ executablePath: process.env.LIVE_CHROMIUM ?? '/usr/bin/chromium', headless: true, args: FLAGS }));
after(async () => (await launched)?.close());

/** @type {Promise<import('playwright-core').Page> | undefined} */
let bench;
/** An empty page without a policy, to parse HTML in. */
export const openBench = () => (bench ??= browser().then((launched) => launched.newPage()));

/** Without motion, because a badge that pulses keeps every page painting. */
const SURROUNDINGS = { viewport: DESKTOP, locale: 'en-GB', timezoneId: 'America/New_York', reducedMotion: 'reduce' };

/** @param {import('node:test').TestContext} t @param {object} [options] as `browser.newContext` takes them */
export const newContext = async (t, options) => {
  const context = await (await browser()).newContext({ ...SURROUNDINGS, ...options });
  context.setDefaultTimeout(SOON);
  atEnd(t, () => context.close());
  return context;
};

/**
 * Opens a page in a context of its own, or in one that is given.
 * @param {import('node:test').TestContext} t
 * @param {string} url
 * @param {{ context?: import('playwright-core').BrowserContext, expected?: RegExp, prepare?: (page: import('playwright-core').Page) => unknown }} [options]
 *   `expected`: complaints that the test provokes; `prepare`: runs before anything is loaded
 */
export const openPage = async (t, url, { context, expected, prepare, ...options } = {}) => {
  const page = await (context ?? (await newContext(t, options))).newPage();
  const complaints = await collectComplaints(page);
  atEnd(t, async () => {
    // A round trip, so that what the page has reported has arrived.
    if (!page.isClosed()) await page.evaluate(() => 0).catch(() => 0);
    assert.deepEqual(complaints.filter((each) => !expected?.test(each)), [], 'the browser complained');
  });
  await prepare?.(page);
  await page.goto(url);
  return page;
};

/** Opens a page and waits until it is live. @param {Parameters<typeof openPage>} args */
export const openReader = async (...args) => {
  const page = await openPage(...args);
  await isLive(page);
  return page;
};

/** @param {import('playwright-core').Page} page @param {string} [transport] @param {number} [timeout] milliseconds */
export const isLive = (page, transport, timeout = SOON) => {
  const over = transport ? `[data-live-transport=${transport}]` : '';
  return page.waitForSelector(`live-page[data-live-state=live]${over}`, { state: 'attached', timeout });
};

/** Dice that fall low: all pauses between two tries are short, for tests of something else. @param {import('playwright-core').Page} page */
export const retrySoon = (page) => page.addInitScript(() => (Math.random = () => 0.002));

/**
 * Keeps what the WebSockets of a page are sent, and where they connect.
 * @returns {{ urls: string[], frames: object[], prepare: (page: import('playwright-core').Page) => void }} `prepare`: for {@link openPage}
 */
export const listenIn = () => {
  const heard = { urls: [], frames: [] };
  const prepare = (page) =>
    page.on('websocket', (socket) => {
      heard.urls.push(socket.url());
      socket.on('framereceived', ({ payload }) => heard.frames.push(JSON.parse(payload)));
    });
  return { ...heard, prepare };
};

/** @type {WeakMap<import('playwright-core').Page, string[]>} */
const complaintsByPage = new WeakMap();
/** What the browser has complained about so far. @param {import('playwright-core').Page} page */
export const complaintsOf = (page) => complaintsByPage.get(page) ?? [];

/** Violations of the page's policy, errors on the console and uncaught exceptions. @param {import('playwright-core').Page} page */
const collectComplaints = async (page) => {
  const complaints = [];
  complaintsByPage.set(page, complaints);
  page.on('pageerror', (error) => complaints.push(`uncaught: ${error}`));
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('crash', () => complaints.push('the page crashed'));
  await page.exposeBinding('reportViolation', (_, violation) => complaints.push(`violation: ${violation}`));
  await page.addInitScript(() => {
    addEventListener('securitypolicyviolation', (event) => {
      window.reportViolation(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
    });
  });
  return complaints;
};
