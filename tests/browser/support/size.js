/** The one knob of all tests: the same cases, short or long. */
const isLong = process.env.LIVE_TEST_SIZE === 'long';

/** @template T @param {T} short @param {T} long @returns {T} */
export const sized = (short, long) => (isLong ? long : short);

/** Milliseconds that a server is away. */
export const OUTAGE = sized(2_000, 30_000);
