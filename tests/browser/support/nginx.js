/** The real nginx, with a file that the documentation shows. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atEnd } from './cleanup.js';
import { freePort, startSilent } from './process.js';

/**
 * @param {import('node:test').TestContext} t
 * @param {URL} file what would lie in `/etc/nginx/conf.d/`, with `listen 80;`
 * @param {Record<string, string>} addresses what stands in the file, and what takes its place
 * @returns {Promise<string>} where it is, `http://127.0.0.1:PORT`
 */
export const startNginx = async (t, file, addresses) => {
  const folder = mkdtempSync(join(tmpdir(), 'live-nginx-'));
  atEnd(t, () => rmSync(folder, { recursive: true, force: true }));
  chmodSync(folder, 0o755);
  mkdirSync(join(folder, 'temp'));
  const port = await freePort();
  const places = { 'listen 80;': `listen 127.0.0.1:${port};`, ...addresses };
  let sites = readFileSync(file, 'utf8');
  for (const [place, filling] of Object.entries(places)) {
    if (!sites.includes(place)) throw new Error(`${file} does not say ${place}`);
    sites = sites.replaceAll(place, filling);
  }
  writeFileSync(join(folder, 'nginx.conf'), around(sites));
  await startSilent(t, 'nginx', ['-p', folder, '-c', 'nginx.conf', '-e', 'stderr'], port);
  return `http://127.0.0.1:${port}`;
};

/** One process, because workers outlive a master that is killed; and nothing outside of its folder. */
const around = (sites) => `
daemon off;
master_process off;
pid nginx.pid;
error_log stderr warn;
events { worker_connections 16384; }
http {
    access_log off;
    client_body_temp_path temp/body;
    proxy_temp_path temp/proxy;
    fastcgi_temp_path temp/fastcgi;
    uwsgi_temp_path temp/uwsgi;
    scgi_temp_path temp/scgi;
    ${sites}
}
`;
