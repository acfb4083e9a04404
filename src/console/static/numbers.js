// Owns today's numbers: tiles and small charts, asked for when the page opens, after calls end, and every minute.

import { ask } from "./api.js";
import { h, keep, s, setNodes } from "./dom.js";
import { has, t } from "./words.js";

const EVERY_MS = 60_000;
/** After a call has ended; many may end at once. */
const SOON_MS = 3_000;

const number = new Intl.NumberFormat();
const percent = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 0 });
const seconds = new Intl.NumberFormat(undefined, { style: "unit", unit: "second", unitDisplay: "short", maximumFractionDigits: 1 });

const inSeconds = (ms) => (ms === null || ms === undefined ? t("numbers.none") : seconds.format(ms / 1000));
const share = (part, whole) => (whole ? percent.format(part / whole) : t("numbers.none"));

/** The tiles: title, value, and what stands beneath. */
function tiles(now) {
  const answer = now.time_to_answer_ms ?? {};
  return [
    ["numbers.calls", number.format(now.calls), ""],
    ["numbers.connected", number.format(now.connected), now.calls ? t("numbers.connected.of", { percent: share(now.connected, now.calls) }) : ""],
    ["numbers.transfers", number.format(now.transfers), ""],
    ["numbers.accept_rate", typeof now.accept_rate === "number" ? percent.format(now.accept_rate) : t("numbers.none"), now.transfers ? t("numbers.accepted", { count: number.format(now.accepted) }) : ""],
    ["numbers.answer", inSeconds(answer.median), answer.p90 === null || answer.p90 === undefined ? "" : t("numbers.answer.p90", { time: inSeconds(answer.p90) })],
  ];
}

/** Bars by hour: calls, and transfers before them. */
function hoursChart(hours) {
  const most = Math.max(1, ...hours.map(({ calls, transfers }) => Math.max(calls, transfers)));
  const wide = 100 / hours.length;
  const bar = (kind, value, place, inset) => s("rect", { class: kind, x: place * wide + inset, width: Math.max(0.2, wide - 2 * inset), y: 40 - (value / most) * 38, height: (value / most) * 38, rx: 0.4 });
  return s(
    "svg",
    { class: "chart", viewBox: "0 0 100 40", preserveAspectRatio: "none", "aria-hidden": "true" },
    hours.flatMap(({ calls, transfers }, place) => [bar("calls", calls, place, wide * 0.14), bar("transfers", transfers, place, wide * 0.32)]),
    s("line", { class: "axis", x1: 0, x2: 100, y1: 40, y2: 40 }),
  );
}

const hourOf = ({ hour }) => (typeof hour === "number" ? `${String(hour).padStart(2, "0")}:00` : String(hour));

/** The working day at the least, and what is beyond it if something happened there. */
function worthShowing(hours) {
  const isBusy = ({ calls, transfers, hour }) => calls + transfers > 0 || (hour >= 9 && hour < 17);
  return hours.slice(hours.findIndex(isBusy), hours.findLastIndex(isBusy) + 1);
}

function hoursTile(hours, zone) {
  const rows = hours.map((each) => h("li", {}, t("numbers.by_hour.of", { hour: hourOf(each), calls: each.calls, transfers: each.transfers })));
  return [
    h("h3", {}, h("span", { title: zone }, t("numbers.by_hour")), h("span", { class: "legend", "aria-hidden": "true" }, h("span", { class: "calls" }, t("numbers.legend.calls")), h("span", { class: "transfers" }, t("numbers.legend.transfers")))),
    hoursChart(hours),
    h("div", { class: "hours", "aria-hidden": "true" }, h("span", {}, hourOf(hours[0])), h("span", {}, hourOf(hours.at(-1)))),
    h("ul", { class: "unseen" }, rows),
  ];
}

function failuresTile(failures) {
  const most = Math.max(1, ...failures.map(({ count }) => count));
  const line = ({ reason, count }) => [
    h("span", {}, has(`failure.${reason}`) ? t(`failure.${reason}`) : reason),
    s("svg", { viewBox: "0 0 100 6", preserveAspectRatio: "none", "aria-hidden": "true" }, s("rect", { width: (count / most) * 100, height: 6, rx: 1.5 })),
    h("span", { class: "number" }, number.format(count)),
  ];
  const body = failures.length ? h("div", { class: "bars" }, failures.slice(0, 4).flatMap(line)) : h("p", { class: "hint" }, t("numbers.failures.none"));
  return [h("h3", {}, t("numbers.failures")), body];
}

function show(now) {
  const holder = document.getElementById("numbers");
  const all = tiles(now).map(([title, value, hint]) => ({
    key: title,
    wide: false,
    nodes: [h("h3", {}, t(title)), h("p", { class: "value" }, value), h("p", { class: "hint" }, hint)],
  }));
  all.push({ key: "failures", wide: true, nodes: failuresTile(now.failures ?? []) });
  const hours = worthShowing(now.by_hour ?? []);
  if (hours.length) all.push({ key: "hours", wide: true, nodes: hoursTile(hours, now.time_zone) });
  const title = holder.querySelector("h2");
  title.dataset.key = "title";
  keep(holder, [{ key: "title" }, ...all], ({ key }) => key, ({ wide }) => h("article", { class: `card tile${wide ? " wide" : ""}` }), (element, tile) => tile.nodes && setNodes(element, tile.nodes));
}

let due = null;

/** Asks now, and shows what is answered; what cannot be had leaves what is there. */
export async function refreshNumbers() {
  clearTimeout(due);
  due = setTimeout(refreshNumbers, EVERY_MS);
  try {
    show(await ask("numbers"));
  } catch {
    // The connection's banner says what is wrong.
  }
}

/** Asks soon. */
export function numbersSoon() {
  clearTimeout(due);
  due = setTimeout(refreshNumbers, SOON_MS);
}
