/** What an eye would see at once, and what it would only feel: pictures for people, and checks for a machine. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = process.env.LIVE_SCREENS ?? fileURLToPath(new URL('../../../target/screens', import.meta.url));

/** @param {import('playwright-core').Page} page @param {string} name */
export const takeScreenshot = async (page, name) => {
  await mkdir(FOLDER, { recursive: true });
  await page.screenshot({ path: join(FOLDER, `${name}.png`), animations: 'disabled' });
};

/** How far the page can be scrolled sideways, in pixels. @param {import('playwright-core').Page} page @returns {Promise<number>} */
export const sidewaysScroll = (page) =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

/** Buttons and fields that are too small for a finger: WCAG 2.2 §2.5.8 asks for 24 pixels. @param {import('playwright-core').Page} page @returns {Promise<string[]>} */
export const smallTargets = (page) =>
  page.$$eval('button, input, textarea, summary', (all) =>
    all.filter((each) => each.checkVisibility()).flatMap((each) => {
      const { width, height } = each.getBoundingClientRect();
      return Math.min(width, height) < 24 ? [`${each.outerHTML} ${width} x ${height}`] : [];
    }));

/** Texts whose contrast is below 4.5 : 1 (WCAG 2.2 §1.4.3). @param {import('playwright-core').Page} page @returns {Promise<string[]>} */
export const faintTexts = (page) =>
  page.evaluate(() => {
    const channels = (color) => (/rgba?\(([^)]*)\)/.exec(color)?.[1] ?? '').split(/[ ,/]+/).map(Number);
    const luminance = (color) => {
      const [r, g, b] = channels(color).map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (element) => {
      for (let each = element; each; each = each.parentElement) {
        const color = getComputedStyle(each).backgroundColor;
        if (channels(color)[3] !== 0) return color;
      }
      return 'rgb(255, 255, 255)';
    };
    const isText = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    return [...document.body.querySelectorAll('*')].filter((each) => isText(each) && each.checkVisibility()).flatMap((each) => {
      const [high, low] = [luminance(getComputedStyle(each).color), luminance(behind(each))].sort((a, b) => b - a);
      const contrast = (high + 0.05) / (low + 0.05);
      return contrast < 4.5 ? [`${each.className} "${each.textContent.trim().slice(0, 40)}" ${contrast.toFixed(2)}`] : [];
    });
  });
