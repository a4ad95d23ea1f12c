/** What a test starts ends with it, the last thing first; and at the latest with this process. */

/** @type {WeakMap<object, (() => unknown)[]>} */
const stacks = new WeakMap();

/** @param {import('node:test').TestContext} t @param {() => unknown} end runs also when the test has failed */
export const atEnd = (t, end) => {
  let stack = stacks.get(t);
  if (!stack) {
    stacks.set(t, (stack = []));
    t.after(() => unwind(stack));
  }
  stack.push(end);
};

const unwind = async (stack) => {
  const errors = [];
  while (stack.length) {
    try {
      await stack.pop()();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length) throw errors[0];
};

/** What may be left when a test never came to its end. Each runs at once: a process that exits waits for nothing. @type {Set<() => void>} */
export const lastResorts = new Set();

process.on('exit', () => {
  for (const end of lastResorts) end();
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));
