/** The pages run nothing but the site's own files, and their browser has nothing to report. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { complaintsOf, openPage, openReader } from './support/browser.js';
import { eventually } from './support/eventually.js';
import { startExample } from './support/example.js';
import { allShow } from './support/posts.js';

const POLICY =
  "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; require-trusted-types-for 'script'";
/** What a stricter site adds: places that no `default-src` covers. */
const MORE = ['base-uri', 'form-action', 'frame-ancestors'];

const HOSTILE = [
  '<script>window.ran = 1</script><img src=x onerror="window.ran = 1"><svg onload="window.ran = 1">',
  '"><a href="javascript:window.ran=1" style="color:red">x</a><iframe srcdoc="<script>parent.ran=1</script>"></iframe>',
  '</article></live-page><base href="https://evil.example/"><meta http-equiv="refresh" content="0;url=https://evil.example/">',
  'javascript:window.ran=1 data:text/html,<b>x</b> https://evil.example/"onmouseover="window.ran=1',
];

/** What no post may have made. */
const FOREIGN = ['script', 'style', 'img', 'svg', 'iframe', 'base', 'meta', '[style]', '[onerror]', '[onmouseover]', '[href^=javascript]']
  .map((each) => `:is(article, .item) ${each}`)
  .join();

/** @param {string} policy */
const directives = (policy) => new Map(policy.split(';').map((each) => each.trim().split(/\s+/)).map(([name, ...values]) => [name, values.join(' ')]));

describe('policy', { concurrency: 2 }, () => {
  test('every page has the strictest policy', async (t) => {
    const site = await startExample(t);
    await site.post('text', { id: 'a' });
    for (const path of ['/', '/?all', '/posts/a', '/compose']) {
      const { headers } = await fetch(site.url + path);
      const found = directives(headers.get('content-security-policy'));
      for (const [name, value] of directives(POLICY)) assert.equal(found.get(name), value, `${path}: ${name}`);
      assert.deepEqual([...found.keys()].filter((name) => !directives(POLICY).has(name) && !MORE.includes(name)), []);
    }
  });

  test('whatever is posted, nothing of it runs and no page violates its policy', async (t) => {
    const site = await startExample(t);
    await site.post(HOSTILE[0], { id: 'first', author: HOSTILE[1].slice(0, 90) });
    // Each of them fails at its end if its browser had anything to complain about.
    const reader = await openReader(t, site.url);
    const composer = await openReader(t, `${site.url}/compose#token=${site.token}`);
    for (const [index, text] of HOSTILE.entries()) await site.post(text, { id: `h${index}` });
    await site.edit('first', HOSTILE[2]);
    await site.act('h0', 'hide');
    await site.act('h1', 'pin');
    await site.delete('h2');
    await allShow(site.url, [reader]);
    await composer.locator('#list .item').nth(3).waitFor();
    await composer.locator('[data-act=edit]').first().click();
    await composer.fill('.edit textarea', HOSTILE.join('\n'));
    await composer.keyboard.press('Control+Enter');
    await allShow(site.url, [reader]);
    await reader.reload();
    await allShow(site.url, [reader, await openReader(t, `${site.url}/?all`)]);
    const alone = await openPage(t, `${site.url}/posts/first`);
    for (const page of [reader, composer, alone]) {
      assert.equal(await page.evaluate(() => window.ran), undefined);
      const foreign = await page.$$eval(FOREIGN, (elements) => elements.map((each) => each.outerHTML));
      assert.deepEqual(foreign, []);
    }
  });

  test('a violation would be seen', async (t) => {
    const site = await startExample(t);
    const page = await openReader(t, site.url, { expected: /violation: |Content Security Policy|TrustedHTML/ });
    await page.evaluate(() => {
      const style = document.createElement('style');
      style.textContent = 'p { color: red }';
      document.head.append(style);
      try {
        document.body.innerHTML = 'text';
      } catch {
        // That it throws is the point.
      }
    });
    await eventually(() => {
      const violated = complaintsOf(page).map((each) => /^violation: (\S+)/.exec(each)?.[1]).filter(Boolean);
      assert.deepEqual(violated.sort(), ['require-trusted-types-for', 'style-src-elem']);
    });
  });
});
