// Owns the bars: who heard whom or what, from when to when.

import { h, hearing, keep, select, setText, time } from "./dom.js";
import { now, state } from "./state.js";

const WINDOWS = [["60000", "Last minute"], ["300000", "Last five minutes"], ["", "Everything"]];
/** By which of several sounds a bar is coloured, the most telling first. */
const KINDS = [["person", "A person"], ["speech", "Speech"], ["music", "Music"], ["ringing", "Ringing"], ["tone", "A tone"], ["silence", "Nothing: dead air"]];

const panel = document.getElementById("panel-audibility");
const span = select(WINDOWS, { "aria-label": "Time shown", onchange: drawAudibility });
const bars = h("ul", { class: "bars" });
const none = h("p", { class: "empty" }, "Nobody has heard anything yet.");
const ends = h("p", { class: "ends", "aria-hidden": "true" }, h("span", { class: "time" }), h("span", { class: "time" }));
panel.append(
  h("div", { class: "panel-head" }, span,
    h("ul", { class: "legend", "aria-label": "Colours" }, KINDS.map(([kind, name]) => h("li", {}, h("span", { class: `swatch ${kind}` }), name)))),
  none, bars, ends);

const kindOf = (hears) => KINDS.find(([kind]) => hears.some((heard) => heard.kind === kind))?.[0] ?? "silence";

export function drawAudibility() {
  if (panel.hidden && bars.childElementCount === state.spans.size) return;
  const to = now();
  const from = span.value ? Math.max(0, to - Number(span.value)) : 0;
  const people = [...state.spans].sort(([one], [other]) => one.localeCompare(other));
  none.hidden = people.length > 0;
  ends.hidden = people.length === 0;
  setText(ends.firstElementChild, time(from).split(".")[0]);
  setText(ends.lastElementChild, time(to).split(".")[0]);
  keep(bars, people, ([address]) => address, makePerson, (row, [, spans]) => updatePerson(row, spans, from, to));
}

function makePerson([address]) {
  return h("li", { class: "ears" }, h("span", { class: "address" }, address), h("span", { class: "hears" }), h("div", { class: "bar", role: "img" }));
}

function updatePerson(row, spans, from, to) {
  const live = spans.filter((span) => span.to === null);
  setText(row.querySelector(".hears"), live.length > 0 ? hearing(live.at(-1).hears) : "not connected");
  const shown = spans.filter((span) => (span.to ?? to) > from);
  const bar = row.querySelector(".bar");
  bar.setAttribute("aria-label", shown.map((span) => `${time(span.from)} to ${time(span.to ?? to)} ${hearing(span.hears)}`).join("; ") || "nothing in this time");
  keep(bar, shown, (span) => `${span.call_sid} ${span.from}`, (span) => h("span", { class: `span ${kindOf(span.hears)}`, title: hearing(span.hears) }), (element, span) => {
    const share = (ms) => (100 * (Math.max(ms, from) - from)) / Math.max(1, to - from);
    const end = share(span.to ?? to);
    element.style.setProperty("left", `${share(span.from)}%`);
    element.style.setProperty("width", `${Math.max(0, end - share(span.from))}%`);
  });
}
