// Owns the single-key shortcuts: one listener, who has registered what, and whether they are on.

import { isTyping } from "./dom.js";

const handlers = new Map();

/** Registers a key for the whole page; the latest one wins. */
export function onKey(key, handler) {
  handlers.set(key, handler);
}

/** Whether single keys do anything. */
export const areOn = () => document.documentElement.dataset.keys !== "off";

/** Switches them on or off, on this machine for good. */
export function switchKeys(on) {
  document.documentElement.dataset.keys = on ? "on" : "off";
  localStorage.setItem("keys", on ? "on" : "off");
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat || event.defaultPrevented) return;
  if (isTyping() || !areOn() || document.querySelector("dialog[open]")) return;
  const handler = handlers.get(event.key.length === 1 ? event.key.toLowerCase() : event.key);
  if (!handler) return;
  if (handler(event) !== false) event.preventDefault();
});
