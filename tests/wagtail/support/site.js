/** A site with the unmodified Wagtail Live, in a process of its own with a fresh database, and its reporter. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { atEnd } from '../../browser/support/cleanup.js';
import { start } from '../../browser/support/process.js';

/** What `cargo xtask test-all --only wagtail-install` makes. */
export const INSTALLED = process.env.LIVE_WAGTAIL ?? fileURLToPath(new URL('../../../target/wagtail', import.meta.url));
const SITE = fileURLToPath(new URL('../site', import.meta.url));
/** Where the Redis publishers find what they import as `aioredis`. */
export const STAND_IN = fileURLToPath(new URL('../stand-in', import.meta.url));
/** Where a site has Live's own publisher from. */
export const PYTHON = fileURLToPath(new URL('../../../python', import.meta.url));

/** Milliseconds that Django may take to import Wagtail and make its tables; the first time, it compiles all of it. */
const START = 60_000;

/**
 * @param {import('node:test').TestContext} t
 * @param {object} options
 * @param {Record<string, string>} options.pages the publisher's template that each page includes, by channel
 * @param {Record<string, unknown>} options.settings
 * @param {string[]} [options.imports] folders to import from, before the libraries
 * @param {Record<string, string>} [options.env] further variables
 */
export const startSite = async (t, { pages, settings, imports = [], env = {} }) => {
  const folder = mkdtempSync(join(tmpdir(), 'live-wagtail-'));
  atEnd(t, () => rmSync(folder, { recursive: true, force: true }));
  const environment = (others) => ({
    ...env,
    DJANGO_SETTINGS_MODULE: 'settings',
    PYTHONPATH: [SITE, ...imports].join(':'),
    // What Python compiles goes beside the libraries, and not into the sources.
    PYTHONPYCACHEPREFIX: join(INSTALLED, 'compiled'),
    // Also where the environment forbids it: compiling takes four times as long as all the rest of a start.
    PYTHONDONTWRITEBYTECODE: '',
    SITE_FOLDER: folder,
    SITE_SETTINGS: JSON.stringify({ SITE_PAGES: pages, ...settings, ...others }),
  });
  const python = join(INSTALLED, 'bin/python');
  const options = { env: environment(), patience: START };
  const running = await start(t, python, [join(SITE, 'serve.py')], /^(http:\S+)\n/m, options);
  const manage = (args, others) => run(python, ['-m', 'django', ...args], environment(others));
  return new Site(running, manage);
};

/** Runs a command to its end. @returns {Promise<{ code: number, out: string, errors: string }>} */
const run = (program, args, env) =>
  new Promise((resolve) => {
    const options = { env: { ...process.env, ...env }, timeout: START, killSignal: 'SIGKILL' };
    execFile(program, args, options, (error, out, errors) => resolve({ code: error ? error.code : 0, out, errors }));
  });

/** What a reporter does, by the webapp that comes with Wagtail Live: its receiver calls the page's own methods. */
class Site {
  /**
   * @param {Awaited<ReturnType<typeof start>>} running
   * @param {(args: string[], settings?: Record<string, unknown>) => ReturnType<typeof run>} manage `manage.py`, with other settings if given
   */
  constructor(running, manage) {
    Object.assign(this, { url: running.match[1], said: running.said, manage });
    this.running = running;
  }

  /** Takes it down without a word, as a crash does. */
  async crash() {
    this.running.child.kill('SIGKILL');
    await this.running.ended;
  }

  /** @param {string} channel @param {string} content @returns {Promise<number>} the message's id */
  async post(channel, content) {
    const html = await this.#call('POST', 'webapp/api/messages/', { channel, content, images: null });
    return Number(/data-id="(\d+)"/.exec(html)[1]);
  }

  /** @param {string} channel @param {number} id @param {string} content */
  edit(channel, id, content) {
    return this.#call('PUT', `webapp/api/messages/${id}/`, { channel, content, images: null });
  }

  /** @param {number} id */
  delete(id) {
    return this.#call('DELETE', `webapp/api/messages/${id}/`);
  }

  /** What an editor does, in the admin. @param {string} channel @param {number} id */
  hide(channel, id) {
    return this.#call('POST', `hide/${channel}/${id}/`);
  }

  /** For settings that are read when they are needed. @param {Record<string, unknown>} settings */
  changeSettings(settings) {
    return this.#call('POST', 'change-settings/', settings);
  }

  async #call(method, path, body) {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${this.url}/${path}`, { method, headers, body: body && JSON.stringify(body) });
    const html = await answer.text();
    // What Django's page about an exception says of it.
    const [, reason] = /class="exception_value">([^<]*)</.exec(html) ?? [];
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${reason ?? html}`);
    return html;
  }
}
