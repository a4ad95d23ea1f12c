/** The least of looks, in a layer, so that any rule of the site wins (but not over `hidden`). Made by script: a `style-src` does not apply. */

const RULES = `@layer live{live-page{display:block}
.live-more{position:sticky;top:0;z-index:1}
.live-visually-hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
[data-post-id][hidden],.live-post-wrapper[hidden],.live-more[hidden]{display:none!important}}`;

let done = false;

/** Adds the rules to the page, once. */
export const addLook = () => {
  if (done) return;
  done = true;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(RULES);
  document.adoptedStyleSheets.push(sheet);
};
