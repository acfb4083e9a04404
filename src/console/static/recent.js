// Owns whom I have called or transferred to lately: asked once, and again after each of my own calls and transfers.

import { ask } from "./api.js";

let known = [];
const watchers = new Set();

/** `[{to, name, at}]`, newest first. */
export const recent = () => known;

/** Calls the watcher whenever the list has been asked for anew. */
export function watchRecent(watcher) {
  watchers.add(watcher);
  watcher(known);
}

/** Asks anew. What cannot be had is no reason to disturb anybody. */
export async function refreshRecent() {
  try {
    known = (await ask("recent")).recent;
  } catch {
    return;
  }
  for (const watcher of watchers) watcher(known);
}
