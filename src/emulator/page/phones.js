// Owns the phones: a card each, that rings, and does what its holder would do.

import { order, phonePath } from "./api.js";
import { h, hearing, keep, select, setText } from "./dom.js";
import { state } from "./state.js";

const BEHAVIOURS = [
  ["answer", "answers"], ["manual", "rings until you act"], ["busy", "is busy"], ["no_answer", "does not answer"],
  ["decline", "declines"], ["voicemail", "mailbox answers"], ["fax", "fax answers"], ["unreachable", "is unreachable"],
];
const KEYS = [..."123456789*0#"];
const WORDS = { queued: "Queued", initiated: "Dialling", ringing: "Rings", "in-progress": "On a call" };

const cards = document.getElementById("phones");
const none = document.getElementById("no-phones");
const announcer = document.getElementById("announcer");
let announced = new Set();

export function drawPhones() {
  none.hidden = state.phones.length > 0;
  keep(cards, state.phones, (phone) => phone.address, makeCard, updateCard);
  announce();
}

/** Says aloud who has begun to ring. */
function announce() {
  const ringing = new Map(state.phones.flatMap((phone) =>
    phone.legs.filter(rings).map((leg) => [leg.call_sid, `${phone.address} rings, called by ${leg.other}`])));
  const fresh = [...ringing].filter(([sid]) => !announced.has(sid)).map(([, words]) => words);
  announced = new Set(ringing.keys());
  if (fresh.length > 0) announcer.textContent = fresh.join(". ");
}

const rings = (leg) => leg.status === "ringing" && leg.direction !== "inbound";

function makeCard({ address }) {
  const behaviour = select(BEHAVIOURS, {
    "aria-label": `What ${address} does when it is called next`,
    onchange: () => order("PUT", phonePath(address), { behaviour: behaviour.value }),
  });
  return h("li", { class: "card phone" },
    h("div", { class: "card-head" }, h("h3", { class: "address" }, address), h("span", { class: "badge" })),
    h("ul", { class: "legs" }),
    h("div", { class: "next" }, h("span", { "aria-hidden": "true" }, "Next call"), behaviour, h("span", { class: "more" })));
}

function updateCard(card, phone) {
  const statuses = phone.legs.map((leg) => (rings(leg) ? "Rings" : leg.status === "ringing" ? "Calling" : WORDS[leg.status]));
  const badge = card.querySelector(".badge");
  setText(badge, statuses.find((word) => word === "Rings") ?? statuses[0] ?? "Idle");
  card.dataset.state = phone.legs.some(rings) ? "ringing" : phone.legs.length > 0 ? "busy" : "idle";
  const chooser = card.querySelector(".next select");
  if (document.activeElement !== chooser) chooser.value = phone.plans[0]?.behaviour ?? "answer";
  const others = phone.plans.length - 1;
  setText(card.querySelector(".more"), others > 0 ? `then ${others} more` : "");
  keep(card.querySelector(".legs"), phone.legs, (leg) => leg.call_sid, () => makeLeg(phone.address), updateLeg);
}

function makeLeg(address) {
  const act = (action, body) => order("POST", phonePath(address, action), { ...body, call_sid: leg.dataset.key });
  const button = (action, text, key) => h("button", {
    type: "button", class: `act ${action}`, "data-shortcut": key, "aria-keyshortcuts": key, onclick: () => act(action),
  }, text, h("span", { class: "unseen" }, ` ${address}`), h("kbd", { "aria-hidden": "true" }, key.toUpperCase()));
  const press = (digit) => act("press", { digits: digit });
  const pad = h("div", { class: "keypad", role: "group", "aria-label": `Keypad of ${address}` },
    KEYS.map((key) => h("button", { type: "button", class: "key", "aria-label": `Press ${key === "*" ? "star" : key === "#" ? "hash" : key}`, onclick: () => press(key) }, key)));
  const leg = h("li", { class: "leg", onkeydown: (event) => shortcut(event, press) },
    h("p", { class: "with" }), h("p", { class: "hears" }),
    h("div", { class: "actions" }, button("answer", "Answer", "a"), button("decline", "Decline", "d"), button("hang-up", "Hang up", "h")),
    pad);
  return leg;
}

function updateLeg(element, leg) {
  const shown = (name, is) => (element.querySelector(name).hidden = !is);
  const was = document.activeElement;
  const from = leg.direction === "inbound" ? "calling" : "called by";
  setText(element.querySelector(".with"), `${from} ${leg.other}${leg.conference ? ` · ${leg.conference}` : ""}`);
  const heard = element.querySelector(".hears");
  setText(heard, hearing(leg.hears));
  heard.classList.toggle("dead", leg.hears?.length === 0);
  shown(".answer", rings(leg));
  shown(".decline", rings(leg));
  shown(".hang-up", leg.status === "in-progress" || (leg.status === "ringing" && leg.direction === "inbound"));
  shown(".keypad", leg.status === "in-progress");
  // Whoever has just pressed a button that is gone goes on with the next one.
  if (element.contains(was) && was.hidden) element.querySelector(".act:not([hidden])")?.focus();
}

function shortcut(event, press) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const leg = event.currentTarget;
  const button = leg.querySelector(`[data-shortcut="${CSS.escape(event.key.toLowerCase())}"]:not([hidden])`);
  if (button) button.click();
  else if (KEYS.includes(event.key) && !leg.querySelector(".keypad").hidden) press(event.key);
}
