/** Servers beside the examples: each a process of its own, ended with its test. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atEnd, lastResorts } from './cleanup.js';
import { binary } from './example.js';
import { within } from './eventually.js';

/** Milliseconds that a server may take to start. */
const START = 10_000;

/** A port that was free a moment ago, for programs that cannot take one by themselves. */
const freePort = () =>
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
export const startProcess = async (t, program, args, printed) => {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, RUST_LOG: 'warn' } });
  const end = () => child.kill('SIGKILL');
  lastResorts.add(end);
  atEnd(t, () => {
    end();
    lastResorts.delete(end);
  });
  let said = '';
  child.stderr.on('data', (data) => (said += data));
  const ready = new Promise((resolve, reject) => {
    child.stdout.on('data', (data) => {
      said += data;
      const match = printed.exec(said);
      if (match) resolve(match);
    });
    child.once('error', reject);
    child.once('close', (code, signal) => reject(new Error(`${program} ended at once (${signal ?? code}): ${said}`)));
  });
  return within(START, ready, `${program} did not begin`);
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
