/** The readers' server, as it runs beside a site. */
import { binary } from '../../browser/support/example.js';
import { start } from '../../browser/support/process.js';

/**
 * @param {import('node:test').TestContext} t
 * @param {string[]} args
 * @param {Record<string, string>} [env]
 * @returns {ReturnType<typeof start>} what was printed first, among others: `match[1]` is its address, `127.0.0.1:PORT`
 */
export const startLive = (t, args, env) => start(t, binary('live'), ['serve', '--admin', 'none', ...args], /listening on https?:\/\/(\S+)/, { env });
