/** An environment in which time is a variable: timers run when a test advances it. */

export const fakeEnvironment = () => {
  let now = 1_000_000;
  /** @type {{ at: number, run: () => void }[]} */
  let timers = [];
  const env = {
    /** Every WebSocket, EventSource and request so far, newest last. @type {any[]} */
    links: [],
    /** @type {any[]} */ requests: [],
    random: () => 0.5,
    now: () => now,
    setTimeout: (run, delay) => {
      const timer = { at: now + delay, run };
      timers.push(timer);
      return timer;
    },
    clearTimeout: (timer) => {
      timers = timers.filter((each) => each !== timer);
    },
    fetch: (url, { signal } = {}) =>
      new Promise((resolve, reject) => {
        signal?.addEventListener('abort', () => reject(new Error('aborted')));
        env.requests.push({ url, signal, at: now, fail: () => reject(new Error('network')), answer: (status, body = '', headers = {}) => resolve(new Response(body || null, { status, headers })) });
      }),
    /** Lets what was promised happen. */
    settle: () => new Promise((resolve) => setImmediate(resolve)),
    advance: async (milliseconds) => {
      const until = now + milliseconds;
      for (;;) {
        timers.sort((a, b) => a.at - b.at);
        if (!timers.length || timers[0].at > until) break;
        const timer = timers.shift();
        now = Math.max(now, timer.at);
        timer.run();
        await env.settle();
      }
      now = until;
    },
    pendingTimers: () => timers.length,
  };
  class Link {
    constructor(url) {
      Object.assign(this, { url, at: now, open: true, kind: this.constructor.name });
      env.links.push(this);
    }
    close() {
      this.open = false;
    }
    say(frame) {
      this.onmessage?.({ data: typeof frame === 'string' ? frame : JSON.stringify(frame) });
    }
  }
  env.WebSocket = class WebSocket extends Link {
    end(code = 1006, reason = '') {
      this.open = false;
      this.onclose?.({ code, reason });
    }
  };
  env.EventSource = class EventSource extends Link {
    named = {};
    addEventListener(name, listener) {
      this.named[name] = listener;
    }
    /** An event with a name. */
    tell(name, data) {
      if (this.open) this.named[name]?.({ data });
    }
    end() {
      this.onerror?.({});
    }
  };
  env.last = () => env.links.at(-1);
  return env;
};

const EPOCH = '00000000000000aa';
export const at = (version, epoch = EPOCH) => `${epoch}-${version}`;
export const frame = (prev, cursor, more = {}) => ({ renders: {}, removals: [], prev: at(prev), cursor: at(cursor), ...more });
export const hello = (version, more) => frame(version, version, more);
