// Owns a button that opens a menu of choices: arrows, Home and End, first letters, Escape, and the focus back on the button.

import { h } from "./dom.js";

/** Fills `holder` with `button` and its menu; `items()` gives the menu's elements anew at each opening. */
export function menu(holder, button, label, items) {
  const list = h("div", { class: "menu", role: "menu", "aria-label": label, hidden: true });
  button.setAttribute("aria-haspopup", "menu");
  button.setAttribute("aria-expanded", "false");
  holder.replaceChildren(button, list);

  const choices = () => [...list.querySelectorAll("button")];
  const isOpen = () => !list.hidden;

  function open() {
    list.replaceChildren(...items(close));
    list.hidden = false;
    button.setAttribute("aria-expanded", "true");
    (choices().find((choice) => choice.getAttribute("aria-checked") === "true") ?? choices()[0])?.focus();
  }

  function close() {
    if (!isOpen()) return;
    const hadFocus = list.contains(document.activeElement);
    list.hidden = true;
    button.setAttribute("aria-expanded", "false");
    if (hadFocus) button.focus();
  }

  function move(event) {
    const all = choices();
    const at = all.indexOf(document.activeElement);
    const places = { ArrowDown: (at + 1) % all.length, ArrowUp: (at - 1 + all.length) % all.length, Home: 0, End: all.length - 1 };
    let place = places[event.key];
    if (place === undefined && event.key.length === 1) {
      place = all.findIndex((choice) => choice.textContent.trim().toLowerCase().startsWith(event.key.toLowerCase()));
    }
    if (event.key === "Escape") close();
    else if (place >= 0) all[place].focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  button.addEventListener("click", () => (isOpen() ? close() : open()));
  list.addEventListener("keydown", move);
  holder.addEventListener("focusout", (event) => event.relatedTarget && !holder.contains(event.relatedTarget) && close());
  document.addEventListener("pointerdown", (event) => holder.contains(event.target) || close());
  return { open, close };
}
