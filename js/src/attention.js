/**
 * Whether the reader is at work in a node: types or has the focus there, has selected some of it, or plays it.
 * Such a node is not to be replaced.
 * @param {{ node: Element, post: Element }} entry focus on the post as a whole is ours, not the reader's
 */
export const isBusy = ({ node, post }) => {
  // The root's, so that it also works within a shadow tree.
  const active = /** @type {Document} */ (node.getRootNode()).activeElement;
  if (active !== post && node.contains(active)) return true;
  const selection = getSelection();
  if (selection && !selection.isCollapsed && selection.containsNode(node, true)) return true;
  const media = /** @type {NodeListOf<HTMLMediaElement>} */ (node.querySelectorAll('audio,video'));
  return [...media].some((player) => !player.paused && !player.ended);
};

/** Moves the focus to a post without scrolling. @param {HTMLElement} post */
export const focusOn = (post) => {
  post.tabIndex = -1;
  post.focus({ preventScroll: true });
};
