/** The page that reporters write on. Every act is a request; the list then shows what the server has, never what was hoped for. */
import { call, forgetToken, hasToken, Refused, rememberToken, takeTokenFromAddress } from './newsroom.js';
import { PostList } from './post-list.js';

/** @type {(id: string) => any} */
const $ = (id) => document.getElementById(id);

/** Posts that are asked for; "older" adds as many again. */
const STEP = 100;
let limit = STEP;
/** The last deleted post, until the next act. @type {string | undefined} */
let deleted;
/** The id of the post being written: sent again after a lost answer, it makes no second post. @type {string | undefined} */
let draftId;

const list = new PostList($('list'), act);

/** @param {string} message @param {boolean} [bad] */
const say = (message, bad = false) => {
  $('status').textContent = message;
  $('status').classList.toggle('bad', bad);
  $('undo').hidden = deleted === undefined;
};

/** What is sent, and what is said when it is done. @type {Record<string, { method: string, said: string }>} */
const ACTS = {
  edit: { method: 'PUT', said: 'Saved.' },
  delete: { method: 'DELETE', said: 'Deleted.' },
  hide: { method: 'POST', said: 'Hidden.' },
  show: { method: 'POST', said: 'Shown again.' },
  pin: { method: 'POST', said: 'Pinned.' },
  unpin: { method: 'POST', said: 'No longer pinned.' },
  restore: { method: 'POST', said: 'Brought back.' },
};
const LATER = 'The page will follow as soon as it can be reached.';

/**
 * @param {string} name
 * @param {{ id: string }} post
 * @param {object} [body]
 * @returns {Promise<boolean>} whether it was done
 */
async function act(name, { id }, body) {
  const { method, said } = ACTS[name];
  const path = `posts/${encodeURIComponent(id)}`;
  say('');
  return attempt(async () => {
    let published, isRead;
    try {
      ({ published } = await call(method, method === 'POST' ? `${path}/${name}` : path, body));
      deleted = name === 'delete' ? id : undefined;
    } finally {
      // First the list, then the word: who is told that somebody else was faster sees what they wrote.
      isRead = await refresh();
    }
    if (isRead) say(published ? said : `${said} ${LATER}`);
  });
}

/** Runs what talks with the server, and says what went wrong. @param {() => Promise<void>} work */
async function attempt(work) {
  try {
    await work();
    return true;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (error.status === 401) signIn(hasToken() ? 'This token is not the right one.' : '');
    else say(error.message, true);
    return false;
  }
}

let stale = false;
/** @type {Promise<boolean> | undefined} */
let reading;

/** Reads the list; who asks for it meanwhile waits for one more reading. Whether it could be read; if not, it has been said why. */
function refresh() {
  stale = true;
  reading ??= read().finally(() => (reading = undefined));
  return reading;
}

async function read() {
  let isRead = false;
  while (stale && hasToken()) {
    stale = false;
    isRead = await attempt(async () => {
      const { posts, total } = await call('GET', `posts?limit=${limit}`);
      open();
      list.show(posts);
      $('count').textContent = `(${total.toLocaleString()})`;
      $('more').hidden = posts.length >= total;
      $('none').hidden = total > 0;
    });
  }
  return isRead;
}

function open() {
  if (!$('desk').hidden) return;
  $('desk').hidden = false;
  $('sign-in').hidden = true;
  $('text').focus();
}

/** @param {string} message */
function signIn(message) {
  forgetToken();
  $('desk').hidden = true;
  $('sign-in').hidden = false;
  $('token').focus();
  say(message, true);
}

$('sign-in').addEventListener('submit', (/** @type {SubmitEvent} */ event) => {
  event.preventDefault();
  rememberToken($('token').value.trim());
  $('token').value = '';
  say('');
  refresh();
});

let sending = false;
$('new').addEventListener('submit', async (/** @type {SubmitEvent} */ event) => {
  event.preventDefault();
  if (sending) return;
  sending = true;
  draftId ??= [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(16).padStart(8, '0')).join('');
  const post = { id: draftId, text: $('text').value, author: $('author').value };
  // The same word twice in a row would not be read out.
  say('');
  let said = '';
  await attempt(async () => {
    const { published } = await call('POST', 'posts', post);
    deleted = undefined;
    if ($('text').value === post.text) $('text').value = '';
    forgetDraft();
    said = published ? 'Posted.' : `Saved. ${LATER}`;
  });
  sending = false;
  // Who goes on writing is not moved; who pressed the button is.
  if ($('new').contains(document.activeElement)) $('text').focus();
  if ((await refresh()) && said) say(said);
});

// A draft outlives a reload of the tab; so does the author's name.
const DRAFT = 'live-draft';
const AUTHOR = 'live-author';
function forgetDraft() {
  draftId = undefined;
  sessionStorage.removeItem(DRAFT);
}
$('text').value = sessionStorage.getItem(DRAFT) ?? '';
$('author').value = sessionStorage.getItem(AUTHOR) ?? '';
$('text').addEventListener('input', () => {
  // Other words are another post.
  draftId = undefined;
  sessionStorage.setItem(DRAFT, $('text').value);
});
$('author').addEventListener('input', () => sessionStorage.setItem(AUTHOR, $('author').value));

const undo = () => {
  if (deleted !== undefined) act('restore', { id: deleted });
};
$('undo').addEventListener('click', () => {
  undo();
  list.focus();
});
$('more').addEventListener('click', () => {
  limit += STEP;
  refresh();
});
$('help-button').addEventListener('click', () => $('help').showModal());

document.addEventListener('keydown', (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  const writes = target.closest('textarea, input');
  if (writes && event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    return /** @type {HTMLFormElement} */ (target.closest('form')).requestSubmit();
  }
  if (writes || event.ctrlKey || event.metaKey || event.altKey || $('desk').hidden || $('help').open) return;
  const shortcut = { '?': () => $('help').showModal(), n: () => $('text').focus(), u: undo }[event.key];
  if (!shortcut) return;
  event.preventDefault();
  shortcut();
});

// Another reporter's acts change the live page, so this page hears of them; a burst is one reading.
let soon = 0;
const refreshSoon = () => {
  clearTimeout(soon);
  soon = setTimeout(refresh, 300);
};
document.addEventListener('live-update', refreshSoon);
document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && refreshSoon());

takeTokenFromAddress();
addEventListener('hashchange', () => {
  takeTokenFromAddress();
  refresh();
});
if (hasToken()) refresh();
else signIn('');
