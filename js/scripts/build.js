/**
 * Bundles the client into the files that the Rust crate embeds. `--check` writes nothing, and fails when a committed
 * file is not what the sources make, or when the module is larger than its gate.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

/** Bytes of `live.js` after gzip: what every first visit costs. */
const GATE = 7936;

const at = (/** @type {string} */ path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const CLIENT = '../crates/live-core/client';

/** @type {import('esbuild').BuildOptions} */
const common = { bundle: true, write: false, charset: 'utf8', target: 'es2022' };
const bundle = async (/** @type {import('esbuild').BuildOptions} */ options) =>
  (await build({ ...common, ...options })).outputFiles?.[0].text ?? '';

const live = await bundle({
  entryPoints: [at('src/live.js')],
  format: 'esm',
  minify: true,
  banner: { js: '/*! Live, MIT OR Apache-2.0 */' },
});
// Not minified: pages written for the original are debugged with its script open.
const classic = await bundle({
  entryPoints: [at('src/classic.js')],
  format: 'iife',
  banner: { js: '/*! Live for Wagtail Live pages, MIT OR Apache-2.0. Made from js/src by `npm run build`. */' },
});

const outputs = [
  [`${CLIENT}/live.js`, live],
  [`${CLIENT}/wagtail-live.js`, classic],
  ['wagtail-live.js', classic],
];

let failed = false;
for (const [path, text] of outputs) {
  if (process.argv.includes('--check')) {
    if ((await readFile(at(path), 'utf8').catch(() => '')) !== text) {
      failed = true;
      console.error(`${path} is not current: run \`npm run build\``);
    }
  } else {
    await mkdir(dirname(at(path)), { recursive: true });
    await writeFile(at(path), text);
  }
}

const size = gzipSync(live, { level: 9 }).length;
console.log(`live.js: ${size} of ${GATE} bytes after gzip (${Buffer.byteLength(live)} before)`);
if (size > GATE) {
  failed = true;
  console.error(`live.js is ${size - GATE} bytes over its gate`);
}
process.exitCode = failed ? 1 : 0;
