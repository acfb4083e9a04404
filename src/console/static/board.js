// Owns the board: all live calls with their alarms, one of them in a panel, the team, and today's numbers.

import { BAR_KEYS } from "./actions.js";
import { assertive } from "./announce.js";
import { avatar, setAvatar } from "./avatar.js";
import { makeCard, stageTone, stageWords } from "./card.js";
import { setSince, timer } from "./clock.js";
import { h, icon, keep, setAttr, setNodes, setText } from "./dom.js";
import { onKey } from "./keys.js";
import { numbersSoon, refreshNumbers } from "./numbers.js";
import { refreshRecent } from "./recent.js";
import { showRoster } from "./roster.js";
import { shortcuts, start } from "./shell.js";
import { alarms, customerOf, isLive, isOn, state, watch } from "./state.js";
import { SUPERVISE_KEYS, supervise } from "./supervise.js";
import { closeTransfer, openTransfer, updateTransfer } from "./transfer.js";
import { address, bdi, called, nodes, t } from "./words.js";

const MOST_FACES = 3;
const $ = (id) => document.getElementById(id);

let opened = null;
let view = null;

const agentsOf = (card) => card.people.filter((person) => person.role !== "customer" && person.role !== "supervisor" && (isOn(person) || person.is_holder));

/** What the filter looks at. */
const text = (card) => [card.external_id, ...card.people.flatMap(({ name, address: at, agent }) => [name, at, agent])].filter(Boolean).join(" ").toLocaleLowerCase();

/** Alarms first, the longest at the top; then the oldest. */
function order(one, other) {
  const [left, right] = [one, other].map((card) => Math.min(Infinity, ...alarms(card).map(({ since }) => Date.parse(since))));
  if (left !== right) return left - right;
  return one.created_at < other.created_at ? -1 : 1;
}

function makeRow(card) {
  const button = h(
    "button",
    { type: "button", class: "call-row", "aria-expanded": "false", "aria-controls": "panel" },
    h("span", { class: "who" }, h("b"), h("small")),
    h("span", { class: "agents faces" }, h("span", { class: "faces" }), h("span")),
    h("span", { class: "states" }, h("span", { class: "chip" }, h("span")), h("span", { class: "chip", "data-tone": "red", hidden: true }, h("span"), timer())),
    h("span", { class: "time" }, timer()),
  );
  button.addEventListener("click", () => open(button.dataset.id === opened ? null : button.dataset.id, button));
  button.dataset.id = card.id;
  return h("li", {}, button);
}

function updateRow(element, card) {
  const [first] = alarms(card);
  const button = element.firstElementChild;
  setAttr(button, "aria-expanded", String(card.id === opened));
  // Of hundreds of calls one changes at a time.
  const seen = `${first?.kind}${first?.since}`;
  if (element.card === card && element.seen === seen) return;
  [element.card, element.seen] = [card, seen];
  const [who, agents, states, time] = button.children;
  const customer = customerOf(card);
  const line = [customer.name ? address(customer.address) : "", card.external_id ?? ""].filter(Boolean);
  setNodes(who.firstElementChild, [bdi(called(customer))]);
  setNodes(who.lastElementChild, line.flatMap((words, place) => [place ? " · " : "", bdi(words)]));
  const people = agentsOf(card);
  keep(agents.firstElementChild, people.slice(0, MOST_FACES), ({ leg_id }) => leg_id, () => avatar(""), (face, person) => setAvatar(face, person.name));
  setNodes(agents.lastElementChild, people.flatMap((person, place) => [place ? ", " : "", bdi(called(person))]));
  const [stage, alarm] = states.children;
  setAttr(stage, "data-tone", stageTone(card));
  setText(stage.firstElementChild, stageWords(card));
  alarm.hidden = !first;
  setAttr(button, "data-alarm", first ? "true" : null);
  if (first) {
    setText(alarm.firstElementChild, t(`alarm.${first.kind}`));
    setSince(alarm.lastElementChild, first.since);
  }
  setSince(time.firstElementChild, card.connected_at ?? card.created_at, card.ended_at);
}

/** Shows this call in the panel; null shows none. */
function open(id, from) {
  closeTransfer();
  opened = id;
  const holder = $("panel");
  if (!id) {
    const had = holder.contains(document.activeElement);
    holder.replaceChildren();
    view = null;
    show(state);
    if (had) $("rows").querySelector("button")?.focus();
    return;
  }
  view = makeCard({ onTransfer: (card, failed) => openPanel(card, failed), extra: supervise });
  const back = () => {
    open(null);
    if (from?.isConnected) from.focus();
  };
  const close = h("button", { type: "button", class: "icon-button", "aria-label": t("app.close"), onclick: back }, icon("close"));
  const box = h("section", { class: "panel", "aria-label": t("board.panel") }, h("div", { class: "panel-head" }, h("div", {}, h("h2", { class: "unseen" }, t("board.panel"))), close), view.element);
  box.addEventListener("keydown", (event) => event.key === "Escape" && !event.defaultPrevented && close.click());
  holder.replaceChildren(h("div", { id: "card-place" }, box), h("div", { id: "transfer-place" }));
  show(state);
  view.element.focus({ preventScroll: true });
  if (matchMedia("(max-width: 62rem)").matches) holder.scrollIntoView({ block: "start" });
}

/** The transfer panel takes the place beneath the card. */
function openPanel(card, failed) {
  openTransfer(card, failed, undefined, $("transfer-place"));
}

function empty(known, query) {
  if (query) return [icon("search"), h("p", {}, nodes("board.none", { query }))];
  return known.isKnown ? [icon("phone"), h("b", {}, t("board.empty")), h("p", {}, t("board.empty.hint"))] : [];
}

function show(known) {
  if (!known.isKnown) return;
  const query = $("filter").value.trim();
  const live = [...known.calls.values()].filter(isLive).sort(order);
  const shown = query ? live.filter((card) => text(card).includes(query.toLocaleLowerCase())) : live;
  keep($("rows"), shown, ({ id }) => id, makeRow, updateRow);
  $("rows-empty").hidden = shown.length > 0;
  if (!shown.length) setNodes($("rows-empty"), empty(known, query));
  document.querySelector(".rows-head").hidden = shown.length === 0;
  setText($("live-count"), String(live.length));
  const alarming = live.filter((card) => alarms(card).length).length;
  setNodes($("alarm-count"), live.length === 0 ? [] : alarming ? [icon("alert"), t("board.alarms.count", { count: alarming })] : [t("board.alarms.none")]);
  setAttr($("alarm-count"), "data-tone", alarming ? "red" : null);
  const card = opened ? known.calls.get(opened) : null;
  if (card) view.update(card);
  else if (opened) open(null);
  updateTransfer(known.calls);
  showRoster(true);
}

let announced = new Set();

/** Says each alarm once; those that are there when the page opens are in sight. */
function announceAlarms(calls, isFirst) {
  const raised = new Set();
  for (const card of calls.values()) {
    for (const alarm of alarms(card)) {
      const name = `${card.id}${alarm.kind}${alarm.leg_id}${alarm.since}`;
      raised.add(name);
      if (!announced.has(name) && !isFirst) assertive(t("said.alarm", { customer: called(customerOf(card)), alarm: t(`alarm.${alarm.kind}`) }));
    }
  }
  announced = raised;
}

function move(step) {
  const rows = [...$("rows").querySelectorAll("button")];
  if (!rows.length) return false;
  const at = rows.indexOf(document.activeElement);
  rows[Math.min(rows.length - 1, Math.max(0, at + step))].focus();
  return true;
}

shortcuts.unshift(["keys.group.call", [...BAR_KEYS, ...SUPERVISE_KEYS]]);
shortcuts.find(([group]) => group === "keys.group.page")[1].unshift(["keys.search", "/"]);
for (const [, key] of BAR_KEYS) onKey(key.toLowerCase(), () => (view ? view.press(key.toLowerCase()) : false));
for (const [, key] of SUPERVISE_KEYS) {
  onKey(key.toLowerCase(), () => {
    const button = view?.element.querySelector(`.supervise:not([hidden]) [aria-keyshortcuts="${key.toLowerCase()}"]`);
    button?.click();
    return Boolean(button);
  });
}
onKey("/", () => $("filter").focus());
onKey("ArrowDown", () => move(1));
onKey("ArrowUp", () => move(-1));
onKey("Escape", () => (opened ? open(null) : false));
$("filter").addEventListener("input", () => show(state));
$("filter").addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown") move(1);
  if (event.key === "Escape") {
    event.target.value = "";
    show(state);
    event.target.blur();
  }
});

refreshNumbers();
refreshRecent();
watch((known, before) => {
  show(known);
  announceAlarms(known.calls, before.size === 0);
  if ([...before.values()].some((card) => isLive(card) && !(known.calls.has(card.id) && isLive(known.calls.get(card.id))))) numbersSoon();
});
start();
