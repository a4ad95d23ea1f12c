/** A reporter who never stops, as a server that crashes has one. */
import { setTimeout as pause } from 'node:timers/promises';
import { atEnd } from './cleanup.js';

/**
 * Posts one post after the other. One that is not acknowledged is sent again under the same id, until it is.
 * @param {import('node:test').TestContext} t
 * @param {{ post: (text: string, fields: { id: string }) => Promise<unknown> }} site
 * @param {number} [interval] milliseconds between two posts
 */
export const keepPosting = (t, site, interval = 100) => {
  /** @type {string[]} ids, oldest first */
  const acknowledged = [];
  let stops = false;
  let given = false;
  const work = async () => {
    for (let number = 1; !stops; number++) {
      const id = `post-${number}`;
      while (!(await site.post(`post number ${number}`, { id }).then(() => true, () => false))) {
        if (given) return;
        await pause(100);
      }
      acknowledged.push(id);
      await pause(interval);
    }
  };
  const done = work();
  // A site that is gone acknowledges nothing more.
  atEnd(t, () => ((stops = given = true), done));
  return {
    acknowledged,
    /** Ends after the post that is under way is acknowledged. */
    stop: async () => {
      stops = true;
      await done;
    },
  };
};
