/** The browser that the client runs in. @type {import('./transports.js').Environment} */
export const browser = {
  WebSocket: globalThis.WebSocket,
  EventSource: globalThis.EventSource,
  fetch: (url, options) => fetch(url, options),
  setTimeout: (run, milliseconds) => setTimeout(run, milliseconds),
  clearTimeout: (timer) => clearTimeout(timer),
  random: Math.random,
  now: Date.now,
};
