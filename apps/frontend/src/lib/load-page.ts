/** Loads a page anew instead of routing to it, so that nothing of one user stays in memory for the next. */
export function loadPage(path: "/" | "/sign-in"): void {
  window.location.assign(path);
}
