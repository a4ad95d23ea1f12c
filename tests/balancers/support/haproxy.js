/** The real HAProxy, with a file that the documentation shows. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atEnd } from '../../browser/support/cleanup.js';
import { freePort, startSilent } from '../../browser/support/process.js';

/**
 * @param {import('node:test').TestContext} t
 * @param {URL} file what would lie below `global` in `haproxy.cfg`, with `bind :80`
 * @param {Record<string, string>} addresses what stands in the file, and what takes its place
 * @returns {Promise<{ url: string, isUp: (server: string) => Promise<boolean> }>} `isUp`: what HAProxy thinks of a server, such as `live/a`
 */
export const startHaProxy = async (t, file, addresses) => {
  const folder = mkdtempSync(join(tmpdir(), 'live-haproxy-'));
  atEnd(t, () => rmSync(folder, { recursive: true, force: true }));
  const port = await freePort();
  let text = readFileSync(file, 'utf8');
  for (const [place, filling] of Object.entries({ 'bind :80': `bind 127.0.0.1:${port}`, ...addresses })) {
    if (!text.includes(place)) throw new Error(`${file} does not say ${place}`);
    text = text.replaceAll(place, filling);
  }
  const socket = join(folder, 'commands');
  const config = join(folder, 'haproxy.cfg');
  // As many connections as a test has, because HAProxy asks for the files of all that it allows.
  writeFileSync(config, `global\n    maxconn 500\n    stats socket ${socket}\n\n${text}`);
  await startSilent(t, 'haproxy', ['-db', '-f', config], port);
  return { url: `http://127.0.0.1:${port}`, isUp: async (server) => /^UP/.test(await status(socket, server)) };
};

/** The column `status` of a server's line. @param {string} socket @param {string} server */
const status = async (socket, server) => {
  let table = '';
  const connection = connect(socket);
  connection.write('show stat\n');
  for await (const data of connection) table += data;
  const [head, ...rows] = table.replace(/^# /, '').split('\n').map((line) => line.split(','));
  const row = rows.find(([backend, name]) => `${backend}/${name}` === server);
  if (!row) throw new Error(`no server is called ${server}:\n${table}`);
  return row[head.indexOf('status')];
};
