// Owns the timeline as a ladder: a column for the application, for Twilio and for each person, newest at the bottom.

import { showDetails } from "./details.js";
import { h, time } from "./dom.js";
import { state } from "./state.js";

/** So many rows are shown. */
const MOST_ROWS = 600;
const APPLICATION = 1;
const TWILIO = 2;
const TO_APPLICATION = ["twiml_requested", "callback_sent", "webhook_failed"];
const FROM_PERSON = ["answered", "pressed", "busy"];
const BAD = ["twiml_error", "webhook_failed", "failed"];
const WARNING = ["twiml_warning", "busy", "no_answer", "canceled"];

const panel = document.getElementById("panel-ladder");
const follow = h("input", { type: "checkbox", role: "switch", id: "follow", checked: true, onchange: showNewest });
const head = h("div", { class: "columns", "aria-hidden": "true" });
const rows = h("ol", { class: "rows", "aria-label": "Timeline" });
const scroll = h("div", { class: "ladder" }, head, rows);
const none = h("p", { class: "empty" }, "Nothing has happened yet. Calls appear here as they are made.");
const aside = h("aside", { class: "details", "aria-label": "Details", hidden: true });
panel.append(
  h("div", { class: "panel-head" }, h("span", { class: "toggle field" }, follow, h("label", { for: "follow" }, "Follow"))),
  none,
  h("div", { class: "ladder-and-details" }, scroll, aside));

let drawn = { epoch: -1 };

/** Rows are only ever added: a column keeps its place once somebody has it. */
export function drawLadder() {
  if (drawn.epoch !== state.epoch) {
    drawn = { epoch: state.epoch, index: 0, number: 0, columns: new Map() };
    rows.replaceChildren();
    close();
  }
  const events = state.timeline.filter((event) => event.index > drawn.index);
  const refused = state.request.filter((request) => request.number > drawn.number && request.event === null);
  drawn.index = events.at(-1)?.index ?? drawn.index;
  drawn.number = state.requests;
  const entries = [...events, ...refused].sort((one, other) => one.at_ms - other.at_ms);
  rows.append(...entries.map(row));
  while (rows.childElementCount > MOST_ROWS) rows.firstElementChild.remove();
  none.hidden = rows.childElementCount > 0;
  drawHead();
  if (entries.length > 0) showNewest();
}

/** What is hidden cannot be scrolled: again when it is shown. */
export function showNewest() {
  if (follow.checked) scroll.scrollTop = scroll.scrollHeight;
}

function drawHead() {
  const names = ["Application", "Twilio", ...drawn.columns.keys()];
  scroll.hidden = none.hidden === false;
  scroll.style.setProperty("--columns", names.length);
  if (head.childElementCount !== names.length) head.replaceChildren(...names.map((name) => h("span", {}, name)));
}

function column(address) {
  if (!drawn.columns.has(address)) drawn.columns.set(address, TWILIO + 1 + drawn.columns.size);
  return drawn.columns.get(address);
}

/** Between which columns an entry goes; the same twice stays where it is. */
function ends(entry) {
  const person = entry.address ? column(entry.address) : TWILIO;
  if (!entry.kind || entry.kind === "rest_request") return [APPLICATION, TWILIO];
  if (TO_APPLICATION.includes(entry.kind)) return [TWILIO, APPLICATION];
  return FROM_PERSON.includes(entry.kind) ? [person, TWILIO] : [TWILIO, person];
}

function words(entry) {
  if (!entry.kind) return ["request", `${entry.method} ${entry.path.split("/").slice(4).join("/")} -> ${entry.status ?? "cut"}`];
  return [entry.kind.replaceAll("_", " "), entry.detail.replace(/https?:\/\/[^/\s]+/g, "")];
}

function tone(entry) {
  if (BAD.includes(entry.kind) || !entry.kind || Number(entry.status) >= 400) return "bad";
  return WARNING.includes(entry.kind) ? "warning" : entry.kind;
}

function name(at) {
  return ["", "Application", "Twilio", ...drawn.columns.keys()][at];
}

function row(entry) {
  const [from, to] = ends(entry);
  const [kind, detail] = words(entry);
  const [left, right] = [Math.min(from, to), Math.max(from, to)];
  const arrow = h("span", { class: `arrow ${from === to ? "note" : from < to ? "right" : "left"}` },
    h("span", { class: "what" }, h("b", {}, kind), ` ${detail}`), h("span", { class: "line", "aria-hidden": "true" }));
  arrow.style.setProperty("grid-column", `${left} / ${right + 1}`);
  arrow.style.setProperty("--span", right - left + 1);
  // A person with no column of their own in the arrow is still named.
  const who = entry.address && ![from, to].includes(column(entry.address)) ? ` · ${entry.address}` : "";
  const path = from === to ? name(from) : `${name(from)} → ${name(to)}`;
  const button = h("button", { type: "button", class: "row", "data-tone": tone(entry), onclick: () => open(button, entry) },
    h("span", { class: "time" }, time(entry.at_ms)), h("span", { class: "path" }, path + who), h("span", { class: "track" }, arrow));
  return h("li", {}, button);
}

function open(button, entry) {
  rows.querySelector('[aria-current="true"]')?.removeAttribute("aria-current");
  button.setAttribute("aria-current", "true");
  showDetails(aside, entry, () => {
    close();
    button.focus();
  });
}

function close() {
  aside.hidden = true;
  aside.replaceChildren();
  rows.querySelector('[aria-current="true"]')?.removeAttribute("aria-current");
}
