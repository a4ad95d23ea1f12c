/** Servers beside the examples: each a process of its own, ended with its test. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atEnd, lastResorts } from './cleanup.js';
import { binary } from './example.js';
import { eventually, within } from './eventually.js';

/** Milliseconds that a server may take to start. */
const START = 10_000;

/** A port that was free a moment ago, for programs that cannot take one by themselves. @returns {Promise<number>} */
export const freePort = () =>
  new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

/**
 * Starts a program and waits until it prints something.
 * @param {import('node:test').TestContext} t
 * @param {string} program
 * @param {string[]} args
 * @param {RegExp} printed on standard output
 */
export const startProcess = async (t, program, args, printed) => (await start(t, program, args, printed)).match;

/**
 * As {@link startProcess}, for those who need more of it than what it printed.
 * @param {import('node:test').TestContext} t
 * @param {string} program
 * @param {string[]} args
 * @param {RegExp} printed on standard output
 * @param {{ env?: Record<string, string>, patience?: number, stdin?: 'ignore' | 'pipe' }} [options] `patience`: milliseconds that it may take to start
 * @returns {Promise<ReturnType<typeof launch> & { match: RegExpExecArray }>}
 */
export const start = async (t, program, args, printed, { env, patience = START, stdin } = {}) => {
  const running = launch(t, program, args, env, stdin);
  const ready = new Promise((resolve, reject) => {
    running.child.stdout.on('data', () => {
      const match = printed.exec(running.said());
      if (match) resolve(match);
    });
    running.child.once('error', reject);
    running.ended.then((how) => reject(new Error(`${program} ended at once (${how}): ${running.said()}`)));
  });
  const match = await within(patience, ready, `${program} did not begin`);
  return { ...running, match };
};

/**
 * Starts a server that says nothing, and waits until it accepts connections.
 * @param {import('node:test').TestContext} t
 * @param {string} program
 * @param {string[]} args
 * @param {number} port
 */
export const startSilent = async (t, program, args, port) => {
  const running = launch(t, program, args);
  const answers = () =>
    new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => resolve(socket.destroy())).once('error', reject);
    });
  const ended = running.ended.then((how) => assert.fail(`${program} ended at once (${how}): ${running.said()}`));
  await Promise.race([eventually(answers, START), ended]);
  ended.catch(() => {});
  return running;
};

/**
 * @param {import('node:test').TestContext} t
 * @param {string} program
 * @param {string[]} args
 * @param {Record<string, string>} [env]
 * @param {'ignore' | 'pipe'} [stdin]
 * @returns {{ child: import('node:child_process').ChildProcess, ended: Promise<number | string>, said: () => string }}
 *   `ended`: its exit code or the signal that ended it; `said`: all that it has printed
 */
const launch = (t, program, args, env, stdin = 'ignore') => {
  // Debian keeps servers where a user's PATH does not look.
  const PATH = `${process.env.PATH}:/usr/sbin`;
  const child = spawn(program, args, { stdio: [stdin, 'pipe', 'pipe'], env: { ...process.env, PATH, RUST_LOG: 'warn', ...env } });
  const end = () => child.kill('SIGKILL');
  lastResorts.add(end);
  atEnd(t, () => {
    end();
    lastResorts.delete(end);
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (said += data));
  const ended = new Promise((resolve) => child.once('close', (code, signal) => resolve(signal ?? code)));
  return { child, ended, said: () => said };
};

/** A Redis that keeps nothing. @param {import('node:test').TestContext} t @returns {Promise<string>} where it is, `127.0.0.1:PORT` */
export const startRedis = async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'live-redis-'));
  atEnd(t, () => rmSync(folder, { recursive: true, force: true }));
  const port = await freePort();
  const args = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder];
  await startProcess(t, 'redis-server', args, /Ready to accept connections/);
  return `127.0.0.1:${port}`;
};

/**
 * The readers' server of the example in two processes.
 * @param {import('node:test').TestContext} t
 * @param {string} bus
 * @returns {Promise<string>} its address, `127.0.0.1:PORT`
 */
export const startReadersServer = async (t, bus) => {
  const args = ['--listen', '127.0.0.1:0', '--redis', bus];
  const [, address] = await startProcess(t, binary('example-tungstenite'), args, /ws:\/\/([^/]+)\//);
  return address;
};
