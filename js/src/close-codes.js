/**
 * What a WebSocket close code asks of the reader. `docs/protocol.md` holds the table; a test reads it and compares.
 *
 * Only the reader itself closes with 1000, and it does not listen any more when it does: a 1000 that arrives
 * comes from something in between, and is a lost connection like any other.
 * @param {number} code
 * @returns {'reconnect' | 'readmit' | 'stop'} `readmit`: ask the site for a new admission, then reconnect
 */
export const afterClose = (code) => {
  if (code === 4100) return 'readmit';
  return code === 1008 || code === 1009 || code >= 4500 ? 'stop' : 'reconnect';
};
