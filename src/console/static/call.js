// Owns the list of calls and the page of one: times by the clock of whoever looks, ways from the ladder to particulars, copies
// for a terminal, and a page that follows its call.

import { polite } from "./announce.js";
import { start } from "./shell.js";
import { watch } from "./state.js";
import texts from "./texts.js";
import { t } from "./words.js";

const formats = {
  full: { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" },
  day: { dateStyle: "medium", timeStyle: "short", hourCycle: "h23" },
  time: { timeStyle: "medium", hourCycle: "h23" },
};

function showTimes(root) {
  for (const time of root.querySelectorAll("time[data-when]")) {
    const at = new Date(time.dateTime);
    time.title = time.title || time.textContent;
    time.textContent = new Intl.DateTimeFormat(texts.lang, formats[time.dataset.when]).format(at);
  }
}

async function copy(button) {
  const text = document.getElementById(button.dataset.copy)?.textContent ?? "";
  try {
    await navigator.clipboard.writeText(text);
    polite(t("app.copied"));
  } catch {
    // Not every browser lets a page without https write to the clipboard: what is to be copied is shown and chosen instead.
    const shown = document.getElementById(button.dataset.copy);
    shown.closest("details").open = true;
    getSelection().selectAllChildren(shown);
  }
}

function showCopies(root) {
  for (const button of root.querySelectorAll("[data-copy]")) button.hidden = false;
}

/** Opens the particulars that the address names. */
function openNamed() {
  const named = location.hash.length > 1 ? document.getElementById(decodeURIComponent(location.hash.slice(1))) : null;
  for (const old of document.querySelectorAll("[data-current]")) delete old.dataset.current;
  for (const row of document.querySelectorAll(".ladder [aria-current]")) row.removeAttribute("aria-current");
  if (!named?.matches("details.particulars")) return;
  named.open = true;
  named.dataset.current = "true";
  document.querySelector(`.ladder a[href="#${CSS.escape(named.id)}"]`)?.setAttribute("aria-current", "true");
  named.scrollIntoView({ block: "nearest" });
  named.querySelector("summary").focus({ preventScroll: true });
}

const rows = () => [...document.querySelectorAll(".ladder a.message")];

/** One row of the ladder is in the order of the Tab key; arrow keys go to the others. */
function showRows() {
  rows().forEach((row, place) => row.setAttribute("tabindex", place === 0 ? "0" : "-1"));
}

function moveRow(event) {
  const row = event.target.closest?.(".ladder a.message");
  const step = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity }[event.key];
  if (!row || step === undefined) return;
  event.preventDefault();
  const all = rows();
  const next = all[Math.max(0, Math.min(all.length - 1, all.indexOf(row) + step))];
  row.setAttribute("tabindex", "-1");
  next.setAttribute("tabindex", "0");
  next.focus();
}

function enliven(root) {
  showTimes(root);
  showCopies(root);
}

/** Puts what a newer page says in the place of what this one says; what is open stays open, and the focus where it is. */
function take(newer) {
  const open = [...document.querySelectorAll("main details[open][id]")].map(({ id }) => id);
  const focused = document.activeElement?.closest("main") ? document.activeElement : null;
  const home = focused?.closest("[id]")?.id;
  for (const part of newer.querySelectorAll("[data-part]")) {
    const old = document.querySelector(`[data-part="${part.dataset.part}"]`);
    const fresh = document.importNode(part, true);
    for (const id of open) fresh.querySelector(`#${CSS.escape(id)}`)?.setAttribute("open", "");
    enliven(fresh);
    const scrolled = old?.querySelector(".scroller.tall")?.scrollTop;
    if (old) old.replaceWith(fresh);
    else document.querySelector("[data-part='summary']").parentElement.append(fresh);
    if (scrolled) fresh.querySelector(".scroller.tall").scrollTop = scrolled;
  }
  showRows();
  if (focused && !focused.isConnected && home) {
    const again = document.getElementById(home);
    (again?.matches("details") ? again.querySelector("summary") : again)?.focus({ preventScroll: true });
  }
}

/** At most one is under way; a change during one is looked at after it. */
let isAsking = false;
let isDue = false;

async function refresh() {
  if (isAsking) {
    isDue = true;
    return;
  }
  isAsking = true;
  try {
    const answer = await fetch(location.pathname, { headers: { accept: "text/html" } });
    if (answer.redirected || !answer.ok) throw new Error(`${answer.status}`);
    take(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch {
    document.getElementById("refresh")?.setAttribute("data-changed", "true");
    polite(t("record.changed"));
  }
  // Not more often than people can read.
  setTimeout(() => {
    isAsking = false;
    if (isDue) {
      isDue = false;
      refresh();
    }
  }, 1000);
}

/** Follows the call for as long as it lasts, and once more when its last news may have been written down. */
function follow(id) {
  let seen = null;
  watch(({ calls, isKnown }) => {
    if (!isKnown) return;
    const now = JSON.stringify(calls.get(id) ?? null);
    if (seen !== null && now !== seen) refresh();
    seen = now;
  });
}

enliven(document);
showRows();
openNamed();
addEventListener("hashchange", openNamed);
document.addEventListener("keydown", moveRow);
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (button) copy(button);
  // The same row again does not change the address.
  const row = event.target.closest?.(".ladder a.message");
  if (row && row.getAttribute("href") === location.hash) openNamed();
});
start();

const head = document.querySelector("[data-call]");
if (head) {
  follow(head.dataset.call);
  document.getElementById("refresh").addEventListener("click", (event) => {
    event.preventDefault();
    refresh().then(() => polite(t("record.updated")));
  });
}
