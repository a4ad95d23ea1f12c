/** Speaks with the server: the token, and the newsroom's JSON. */

const TOKEN = 'live-publish-token';

/** Takes the token out of `#token=…`, and the fragment out of the address bar, where it would be seen and shared. */
export const takeTokenFromAddress = () => {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (!token) return;
  rememberToken(token);
  history.replaceState(null, '', location.pathname + location.search);
};

/** This tab keeps it, and no other. @param {string} token */
export const rememberToken = (token) => sessionStorage.setItem(TOKEN, token);

export const forgetToken = () => sessionStorage.removeItem(TOKEN);

export const hasToken = () => sessionStorage.getItem(TOKEN) !== null;

/** The server said no, or nothing. `status` is 0 where it could not be asked. */
export class Refused extends Error {
  /** @param {string} message @param {number} status */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/**
 * @param {string} method
 * @param {string} path below `/api/`
 * @param {object} [body]
 */
export const call = async (method, path, body) => {
  const request = {
    method,
    headers: { Authorization: `Bearer ${sessionStorage.getItem(TOKEN)}`, 'Content-Type': 'application/json' },
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(15_000),
  };
  let response;
  try {
    response = await fetch(`/api/${path}`, request);
  } catch {
    throw new Refused('The server cannot be reached. Try again.', 0);
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(sentence(answer.error ?? `the server answered ${response.status}`), response.status);
  return answer;
};

/** @param {string} message */
const sentence = (message) => `${message[0].toUpperCase()}${message.slice(1)}.`;
