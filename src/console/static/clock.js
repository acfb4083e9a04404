// Owns time: the server's, as far as the last snapshot told it, and every timer on the page.

import { h, setText } from "./dom.js";
import { duration } from "./words.js";

let [heard, saidThen, speed] = [0, 0, 1];

/** What the server's clock said just now, and how fast it goes: a demo's may run faster than ours. */
export function setServerTime(rfc3339, itsSpeed = 1) {
  [heard, saidThen, speed] = [Date.now(), Date.parse(rfc3339), itsSpeed];
}

/** The server's time in milliseconds. */
export const now = () => saidThen + (Date.now() - heard) * speed;

/** The time for the clock on the wall of whoever looks. */
export const local = (ms) => heard + (ms - saidThen) / speed;

/** How long it is, for whoever looks, until the server's clock says so. */
export const until = (ms) => (ms - now()) / speed;

/** A timer that counts up from `since`, or stands still at `until`. Not announced: the states are. */
export function timer(since, until) {
  const element = h("span", { class: "timer", role: "timer" });
  setSince(element, since, until);
  return element;
}

/** Changes what a timer counts from; without a moment it is empty. */
export function setSince(element, since, until) {
  element.dataset.since = since ? Date.parse(since) : "";
  element.dataset.until = until ? Date.parse(until) : "";
  show(element);
}

function show(element) {
  const { since, until } = element.dataset;
  setText(element, since ? duration((until ? Number(until) : now()) - Number(since)) : "");
}

function tick() {
  for (const element of document.querySelectorAll("[data-since]")) show(element);
  setTimeout(tick, Math.max(100, (1000 - (now() % 1000)) / speed + 5));
}
tick();
