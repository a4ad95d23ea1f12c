/** The example as its users run it: a process of its own, on a port that the system picks, with a fresh database. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { atEnd, lastResorts } from './cleanup.js';
import { within } from './eventually.js';

const BINARIES = process.env.LIVE_EXAMPLES ?? fileURLToPath(new URL('../../../target/debug', import.meta.url));

/** Milliseconds that the example may take to start, and to end. Draining takes up to 20 s. */
const START = 10_000;
const END = 25_000;

/** @param {string} program the name of an example's program */
export const binary = (program) => join(BINARIES, program);

/**
 * @param {import('node:test').TestContext} t
 * @param {string[]} [args]
 * @param {string} [program] which of the examples
 */
export const startExample = async (t, args, program = 'example-axum') => {
  const example = new Example(program);
  atEnd(t, () => example.remove());
  await example.start(args);
  return example;
};

class Example {
  /** Where the database is. */
  folder = mkdtempSync(join(tmpdir(), 'live-browser-'));
  /** The address and port; they stay through restarts. */
  url = '';
  token = '';
  /** What it wrote to standard error, in all its lives. */
  errors = '';
  #listen = '127.0.0.1:0';
  #lastResort = () => {
    this.child?.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  };

  /** @param {string} program */
  constructor(program) {
    this.program = program;
    lastResorts.add(this.#lastResort);
  }

  /** Starts it, again if it ran before. @param {string[]} [args] */
  async start(args = []) {
    const until = Date.now() + START;
    for (;;) {
      try {
        return await this.#spawn(args);
      } catch (error) {
        // Between two lives, a browser's own connection may have been given the port for a moment.
        if (!/in use/.test(this.errors) || Date.now() > until) throw error;
      }
    }
  }

  async #spawn(args) {
    const child = (this.child = spawn(binary(this.program), ['--listen', this.#listen, '--db', join(this.folder, 'blog.db'), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, RUST_LOG: 'warn' },
    }));
    this.ended = new Promise((resolve) => child.once('close', (code, signal) => resolve(signal ?? code)));
    child.stderr.on('data', (data) => (this.errors += data));
    const printed = new Promise((resolve, reject) => {
      let text = '';
      child.stdout.on('data', (data) => {
        text += data;
        const [, url, token] = /(http:\/\/[^/]+)\/compose#token=(\S+)\n/.exec(text) ?? [];
        if (token) resolve({ url, token });
      });
      child.once('error', reject);
      this.ended.then((end) => reject(new Error(`the example ended at once (${end}): ${this.errors}`)));
    });
    Object.assign(this, await within(START, printed, 'the example printed no address'));
    this.#listen = new URL(this.url).host;
  }

  /** Takes it down without a word, as a crash does. */
  async crash() {
    this.child.kill('SIGKILL');
    await within(END, this.ended, 'the example survived SIGKILL');
  }

  /** Lets it end by itself. @returns {Promise<number | string>} its exit code, or the signal that ended it */
  async stop() {
    this.child.kill('SIGTERM');
    return within(END, this.ended, `the example did not end: ${this.errors}`);
  }

  async remove() {
    if (this.child && this.child.exitCode === null && this.child.signalCode === null) await this.crash();
    this.#lastResort();
    lastResorts.delete(this.#lastResort);
    if (/panicked|ERROR/.test(this.errors)) throw new Error(`the example said: ${this.errors}`);
  }

  /** One act of a reporter. @param {string} method @param {string} path below `/api/` @param {object} [body] */
  async call(method, path, body) {
    const headers = { authorization: `Bearer ${this.token}` };
    const answer = await fetch(`${this.url}/api/${path}`, { method, headers, body: body && JSON.stringify(body) });
    const json = await answer.json();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${json.error}`);
    return json.post ?? json;
  }

  /** @param {string} text @param {object} [fields] `id`, `author` */
  post(text, fields) {
    return this.call('POST', 'posts', { text, ...fields });
  }

  /** @param {string} id @param {string} text */
  edit(id, text) {
    return this.call('PUT', `posts/${encodeURIComponent(id)}`, { text });
  }

  /** @param {string} id @param {'hide' | 'show' | 'pin' | 'unpin' | 'restore'} act */
  act(id, act) {
    return this.call('POST', `posts/${encodeURIComponent(id)}/${act}`);
  }

  /** @param {string} id */
  delete(id) {
    return this.call('DELETE', `posts/${encodeURIComponent(id)}`);
  }
}
