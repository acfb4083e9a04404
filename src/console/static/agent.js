// Owns the agent's page: my calls, transfers to me, what is to be written down, New call, and the team.

import { BAR_KEYS } from "./actions.js";
import { makeCard } from "./card.js";
import { focusDial, startDial } from "./dial.js";
import { h, icon, keep, setNodes } from "./dom.js";
import { asker, isIncoming, makeIncoming } from "./incoming.js";
import { onKey } from "./keys.js";
import { makeOutcome } from "./outcome.js";
import { refreshRecent } from "./recent.js";
import { showRoster } from "./roster.js";
import { announceChanges } from "./said.js";
import { shortcuts, start } from "./shell.js";
import { customerOf, isLive, isOn, mine, watch } from "./state.js";
import { supervise } from "./supervise.js";
import { closeTransfer, openTransfer, updateTransfer } from "./transfer.js";
import { called, nodes, t } from "./words.js";

const $ = (id) => document.getElementById(id);
const putOff = new Set();
const title = document.title;

/** Where on the page a call of mine belongs. */
function placeOf(card) {
  if (!mine(card)) return null;
  if (isIncoming(card)) return "incoming";
  if (isLive(card)) return isOn(mine(card)) || card.can.length ? "live" : "earlier";
  const wantsOutcome = card.connected_at && !card.outcome && !putOff.has(card.id) && mine(card).answered_at && card.can_outcome !== false;
  return wantsOutcome ? "wrap-up" : "earlier";
}

function part(element, cards, make) {
  keep(
    element,
    cards,
    ({ id }) => id,
    () => {
      const made = make();
      made.element.view = made;
      return made.element;
    },
    (each, card) => each.view.update(card),
  );
  element.hidden = cards.length === 0;
}

/** Who began a call or was given it, and is not on it while another is, has handed it over. */
function hasHandedOver(card) {
  const { leg_id, role } = mine(card);
  return role === "first_agent" || card.transfers.some((transfer) => transfer.leg_id === leg_id && transfer.status === "completed");
}

function makePast() {
  const words = h("p", {});
  const element = h("div", { class: "card past" }, icon("clock"), words, h("a", { class: "button small" }, t("card.open")));
  const update = (card) => {
    element.lastElementChild.href = `/calls/${card.id}`;
    const customer = called(customerOf(card));
    const now = card.people.find(({ is_holder }) => is_holder);
    if (!isLive(card)) setNodes(words, nodes("said.ended", { customer }));
    else if (now && isOn(now) && hasHandedOver(card)) setNodes(words, nodes("agent.handed_over", { customer, name: called(now) }));
    else setNodes(words, nodes("agent.left", { customer }));
  };
  return { element, update };
}

const live = () => [...$("live").children].map((element) => element.view);

function wrapUp() {
  return makeOutcome({
    onLater(card) {
      putOff.add(card.id);
      show(latest);
      focusDial();
    },
  });
}

let latest = null;

function show(known) {
  latest = known;
  if (!known.isKnown) return;
  const places = { incoming: [], live: [], "wrap-up": [], earlier: [] };
  const newest = [...known.calls.values()].sort((one, other) => (one.created_at < other.created_at ? 1 : -1));
  for (const card of newest) places[placeOf(card)]?.push(card);
  part($("incoming"), places.incoming, makeIncoming);
  part($("live"), places.live, () => makeCard({ onTransfer: openTransfer, extra: supervise }));
  part($("wrap-up"), places["wrap-up"], wrapUp);
  part($("earlier"), places.earlier.slice(0, 5), makePast);
  // Somebody who talks dials nobody.
  $("dial").hidden = places.live.some((card) => isOn(mine(card)));
  $("idle-hint").hidden = places.live.length + places.incoming.length > 0;
  updateTransfer(known.calls);
  showRoster(false);
  const [first] = places.incoming;
  document.title = first ? `${t("incoming.document", { customer: called(customerOf(first)) })} · ${called(asker(first) ?? {})}` : title;
}

function onCallKey(key) {
  onKey(key, () => {
    const within = document.activeElement?.closest(".call");
    const views = live();
    const view = views.find(({ element }) => element === within) ?? views[0];
    return view ? view.press(key) : false;
  });
}

shortcuts.unshift(["keys.group.call", BAR_KEYS], ["keys.group.panel", [["keys.choose", "↑", "↓", "Enter"], ["keys.start", "Ctrl", "Enter"]]]);
shortcuts.find(([group]) => group === "keys.group.page")[1].unshift(["keys.new_call", "N"]);
for (const [, key] of BAR_KEYS) onCallKey(key.toLowerCase());
onKey("n", () => ($("dial").hidden ? false : focusDial()));
onKey("Escape", closeTransfer);

startDial();
watch((known, before) => {
  const endings = [...before.values()].some((card) => isLive(card) && known.calls.get(card.id) && !isLive(known.calls.get(card.id)));
  show(known);
  announceChanges(known.calls, before);
  if (endings) refreshRecent();
});
start();
