/** Waiting for what happens elsewhere, never for longer than a deadline. */
import { setTimeout as pause } from 'node:timers/promises';

/** Milliseconds for what takes one moment of a busy machine. */
export const SOON = 10_000;

/**
 * Repeats an assertion until it holds; after the deadline it fails as it did last.
 * @template T
 * @param {() => T | Promise<T>} assertion
 * @param {number} [deadline] milliseconds
 * @returns {Promise<T>}
 */
export const eventually = async (assertion, deadline = SOON) => {
  const until = Date.now() + deadline;
  for (let milliseconds = 25; ; milliseconds = Math.min(250, milliseconds * 2)) {
    try {
      return await assertion();
    } catch (error) {
      if (Date.now() > until) throw error;
    }
    await pause(milliseconds);
  }
};

/**
 * @template T
 * @param {number} deadline milliseconds
 * @param {Promise<T>} promise
 * @param {string} complaint
 * @returns {Promise<T>}
 */
export const within = async (deadline, promise, complaint) => {
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(complaint)), deadline)));
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
};
