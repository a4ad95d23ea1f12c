/** When to come back: our own back-off, and the delays that a server gives. */

/**
 * Exponential back-off with full jitter: the whole delay is random, so that a crowd cut off at once does not return at once.
 * @param {number} attempt failures so far, from 0
 * @param {number} base milliseconds that the first delay stays below
 * @param {number} cap milliseconds that every delay stays below
 * @param {() => number} random from 0 to below 1
 */
export const fullJitter = (attempt, base, cap, random) => random() * Math.min(cap, base * 2 ** attempt);

/** The longest delay that a server can ask for, in milliseconds: a timer of 2^31 or more fires at once, and no clock that is wrong holds a reader for ever. */
const LONGEST = 600_000;

/**
 * The delay in a close reason, "… retry in N ms".
 * @param {string} reason
 * @returns {number | undefined} milliseconds
 */
export const retryIn = (reason) => {
  const found = /retry in (\d+) ms$/.exec(reason);
  return found ? Math.min(LONGEST, Number(found[1])) : undefined;
};

/**
 * The delay in a `Retry-After` header: seconds or a date (RFC 9110 §10.2.3).
 * @param {string | null} header
 * @param {number} now milliseconds since the Unix epoch
 * @returns {number | undefined} milliseconds
 */
export const retryAfter = (header, now) => {
  const delay = header ? (/^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now) : NaN;
  return delay >= 0 ? Math.min(LONGEST, delay) : undefined;
};

/**
 * @param {number} value
 * @param {number} least
 * @param {number} most
 */
export const clamp = (value, least, most) => Math.min(most, Math.max(least, value));
