/**
 * What is said to readers who do not see the page: one sentence for what came, at most once in ten seconds.
 */

/** Milliseconds between two announcements. A busy page would otherwise never let its reader listen to anything else. */
const PAUSE = 10_000;

/**
 * A text with `{n}`, in the form for `n`: "one form|other form".
 * @param {string} label
 * @param {number} n
 */
export const countText = (label, n) => {
  const forms = label.split('|');
  return (n === 1 ? forms[0] : forms[forms.length - 1]).replace('{n}', String(n));
};

/**
 * @param {(counts: number[]) => void} say
 * @param {Pick<import('./transports.js').Environment, 'setTimeout'>} env
 * @returns {(counts: number[]) => void} adds to what is to be said
 */
export const announcer = (say, env) => {
  /** @type {number[]} */
  let sums = [];
  let quiet = false;
  const flush = () => {
    quiet = sums.some((sum) => sum > 0);
    // With nothing to say it says nothing: old news are not left for a screen reader to find.
    say(sums);
    sums = [];
    if (quiet) env.setTimeout(flush, PAUSE);
  };
  return (counts) => {
    sums = counts.map((count, index) => count + (sums[index] ?? 0));
    if (!quiet) flush();
  };
};
