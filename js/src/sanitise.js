/**
 * HTML from the wire becomes nodes here, in an inert document, and loses there whatever could run or break a strict
 * Content Security Policy. The server sanitises too; this is the second lock.
 */

/** @type {{ createHTML: (html: string) => string } | undefined} */
let policy;

/** What a handler or style attribute is called until it is removed. */
const DISARMED = 'data-live-off';

/**
 * Renames handler and style attributes. Browsers report them to the site's policy while they parse, even in a document
 * that is never shown, so removing them afterwards is too late for the report (though not for safety).
 * @param {string} html
 */
export const disarm = (html) =>
  html.replace(/<[a-z](?:"[^"]*"|'[^']*'|[^"'<>])*>/gi, (tag) =>
    tag.replace(/("[^"]*"|'[^']*')|([\s/])(?:on[a-z]+|style)(?=[\s=])/gi, (_, value, space) => value ?? space + DISARMED));

/**
 * Parses HTML without running or loading anything. In a `<template>`, where table rows survive without their table.
 * @param {string} html
 * @returns {DocumentFragment}
 */
export const parse = (html) => {
  const asIs = { createHTML: (/** @type {string} */ text) => text };
  policy ??= /** @type {any} */ (globalThis).trustedTypes?.createPolicy('live', asIs) ?? asIs;
  const template = document.createElement('template');
  template.innerHTML = /** @type {{ createHTML: (html: string) => string }} */ (policy).createHTML(html);
  return template.content;
};

const REMOVED = 'script,style,link,meta,base,object,embed,frame,frameset,template,animate,set,live-page';

/**
 * Whether an attribute could run a script, violate a `style-src`, or take the focus.
 * @param {string} name
 * @param {string} value
 */
export const isUnsafe = (name, value) =>
  /^(on.*|style|srcdoc|autofocus|data-live-off)$/i.test(name) ||
  // Browsers skip control characters and white space in a URL's scheme.
  /^(javascript|vbscript):/i.test(value.replace(/[\0- ]+/g, ''));

/**
 * @param {ParentNode} root in an inert document
 * @param {string[]} embeds origins that frames may come from
 */
export const sanitise = (root, embeds) => {
  for (const element of root.querySelectorAll(REMOVED)) element.remove();
  for (const frame of root.querySelectorAll('iframe')) replaceFrame(frame, embeds);
  // A form's fields shadow its methods by name, so the prototype's are called.
  const { getAttributeNames, getAttribute, removeAttribute } = Element.prototype;
  for (const element of root.querySelectorAll('*')) {
    for (const name of getAttributeNames.call(element)) {
      if (isUnsafe(name, getAttribute.call(element, name) ?? '')) removeAttribute.call(element, name);
    }
  }
};

/** @param {HTMLIFrameElement} frame @param {string[]} embeds */
const replaceFrame = (frame, embeds) => {
  const link = document.createElement('a');
  // A link parses its address, and never throws over it.
  link.href = frame.getAttribute('src') ?? '';
  if (link.protocol === 'https:' && embeds.includes(link.origin)) return;
  link.rel = 'nofollow noopener';
  link.textContent = frame.title || link.href;
  if (/^https?:$/.test(link.protocol)) frame.replaceWith(link);
  else frame.remove();
};
