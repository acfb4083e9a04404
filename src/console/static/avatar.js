// Owns the round sign of a person: initials on a hue of their own, and their presence.

import { h, icon, setAttr, setText } from "./dom.js";
import { hue, initials } from "./words.js";

/** For the eye only; the name stands beside it. */
export function avatar(name) {
  const element = h("span", { class: "avatar", "aria-hidden": "true" });
  setAvatar(element, name);
  return element;
}

/** Changes whose it is. */
export function setAvatar(element, name) {
  const letters = initials(name);
  if (element.dataset.of === (name ?? "")) return;
  element.dataset.of = name ?? "";
  setAttr(element, "data-hue", letters ? hue(name) : null);
  if (letters) setText(element, letters);
  else element.replaceChildren(icon("user"));
}
