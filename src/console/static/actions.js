// Owns the buttons that steer a call: shown when the service says that they can work, one request a press, no second press
// while it is under way, failures in words, and a second press before a customer is put down.

import { assertive } from "./announce.js";
import { send } from "./api.js";
import { h, icon, keep, setAttr, setIcon, setText } from "./dom.js";
import { customerOf, isOn, mine } from "./state.js";
import { called, t } from "./words.js";

const ARMED_MS = 4_000;
/** For so long a button stays as it is after its request was taken, unless the call changes before. */
const SETTLE_MS = 1_500;

/** Places on the bar, in order: what may stand there, its key and its look. `ME` is the role of whoever looks. */
const BAR = [
  { id: "transfer", key: "T", look: "warm", words: ["transfer"] },
  { id: "complete", key: "O", look: "primary", words: ["complete"] },
  { id: "merge", key: "J", words: ["merge"] },
  { id: "swap", key: "S", words: ["swap"] },
  { id: "cancel", key: "C", words: ["cancel"] },
  { id: "hold", key: "H", words: ["resume:customer", "hold:customer"] },
  { id: "mute", key: "M", words: ["unmute:ME", "mute:ME"] },
  { id: "remove", key: "R", words: ["remove:second_agent"] },
  { id: "hangup", key: "E", look: "danger", words: ["hangup"] },
];
const ICONS = {
  transfer: "transfer", complete: "handover", merge: "merge", swap: "swap", cancel: "cancel", hold: "pause", resume: "play", mute: "mic-off", unmute: "mic", remove: "remove", hangup: "hangup",
};

/** The keys of the bar, for the list of shortcuts. */
export const BAR_KEYS = [
  ["action.transfer", "T"], ["action.complete", "O"], ["action.merge", "J"], ["action.swap", "S"], ["action.cancel", "C"], ["action.hold", "H"], ["action.mute.me", "M"],
  ["action.remove", "R"], ["action.hangup", "E"],
];

const path = (card, word) => {
  const [verb, role] = word.split(":");
  return role ? `calls/${card.id}/participants/${role}/${verb}` : `calls/${card.id}/${verb}`;
};

/** The word of a place that can work now, if one can. */
function wordNow(card, place) {
  // Who is not on the call has nobody to mute but others: those have buttons of their own.
  const role = mine(card)?.role ?? "nobody";
  return place.words.map((word) => word.replace("ME", role)).find((word) => card.can.includes(word)) ?? null;
}

function label(card, word) {
  const [verb, role] = word.split(":");
  if ((verb === "mute" || verb === "unmute") && role && role === mine(card)?.role) return t(`action.${verb}.me`);
  // The strip above it says what is cancelled.
  return verb === "cancel" ? t("action.cancel.short") : t(`action.${verb}`);
}

/** One button, for the word it has at the moment. `onFailure(words)` is told what went wrong; empty takes it back. */
export function actionButton({ classes, key, compact, onTransfer, onFailure }) {
  const text = h("span", compact ? { class: "unseen" } : {});
  const element = h("button", { type: "button", class: classes }, icon("transfer"), text, key && !compact ? h("kbd", { class: "key", "aria-hidden": "true" }, key) : null);
  if (key) element.setAttribute("aria-keyshortcuts", key.toLowerCase());
  let card = null;
  let word = null;
  let armed = null;
  let settling = null;

  function show() {
    const verb = word.split(":")[0];
    const busy = element.getAttribute("aria-busy") === "true";
    const words = armed ? t("action.hangup.again") : label(card, word);
    setText(text, words);
    setIcon(element, ICONS[verb]);
    element.classList.toggle("on", verb === "resume" || verb === "unmute");
    element.classList.toggle("armed", Boolean(armed));
    setAttr(element, "aria-disabled", busy ? "true" : null);
    const person = compact && card.people.find(({ role }) => role === word.split(":")[1]);
    setAttr(element, "aria-label", person ? t("action.of", { action: words, name: called(person) }) : null);
    setAttr(element, "title", compact ? words : verb === "cancel" ? t("action.cancel") : null);
  }

  function disarm() {
    clearTimeout(armed);
    armed = null;
    if (word) show();
  }

  function settle() {
    clearTimeout(settling);
    settling = null;
    element.removeAttribute("aria-busy");
    if (word) show();
  }

  /** Whether the press has to be repeated, as it would put a customer down. */
  function mustArm() {
    if (word !== "hangup" || armed || !["talking", "on_hold", "waiting", "muted"].includes(customerOf(card).state)) return false;
    armed = setTimeout(disarm, ARMED_MS);
    assertive(t("action.hangup.warn", { name: called(customerOf(card)) }));
    show();
    return true;
  }

  async function press() {
    if (element.getAttribute("aria-busy") === "true") return;
    onFailure("");
    if (word === "transfer") return onTransfer(card);
    if (mustArm()) return;
    disarm();
    const [asked, named, shown] = [word, label(card, word), card];
    element.setAttribute("aria-busy", "true");
    show();
    try {
      await send("POST", path(card, asked));
      // The news may be faster than the answer.
      if (card === shown) settling = setTimeout(settle, SETTLE_MS);
      else settle();
    } catch (error) {
      settle();
      onFailure(t("action.failed", { action: named, reason: error.message }));
    }
  }

  element.addEventListener("click", press);
  element.addEventListener("blur", () => armed && disarm());
  element.addEventListener("keydown", (event) => event.key === "Escape" && armed && disarm());
  element.show = (nextCard, nextWord) => {
    const isNews = card !== nextCard;
    [card, word] = [nextCard, nextWord];
    if (isNews && settling) settle();
    else show();
  };
  return element;
}

/** The bar of a card. `press(key)` presses the button that has this key, if there is one. */
export function callBar({ onTransfer, onFailure }) {
  const element = h("div", { class: "call-bar", role: "toolbar", "aria-label": t("card.actions") });
  const make = (place) => actionButton({ classes: `button ${place.look ?? ""}`, key: place.key, onTransfer, onFailure });
  const update = (card) => {
    const had = element.contains(document.activeElement);
    const places = BAR.map((place) => ({ ...place, word: wordNow(card, place) })).filter(({ word }) => word);
    keep(element, places, ({ id }) => id, make, (button, { word }) => button.show(card, word));
    // The button that had the focus is gone: the next best is its neighbour.
    if (had && !element.contains(document.activeElement)) (element.querySelector("button") ?? element.closest("[tabindex]"))?.focus();
  };
  const press = (key) => {
    const button = [...element.children].find((each) => each.getAttribute("aria-keyshortcuts") === key);
    if (!button) return false;
    button.focus({ preventScroll: true });
    button.click();
    return true;
  };
  element.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const all = [...element.children];
    all[(all.indexOf(document.activeElement) + step + all.length) % all.length].focus();
    event.preventDefault();
  });
  return { element, update, press };
}

/** Small buttons beneath one person: what the bar does not have already. */
export function personControls({ onFailure, isOnBar }) {
  return (holder, person, card) => {
    // Nobody holds or removes themselves; there may be one of each kind, as what is on can only be taken off.
    const isMine = mine(card)?.role === person.role;
    const words = isOn(person) && !isMine ? card.can.filter((word) => word.split(":")[1] === person.role && !isOnBar(card, word)) : [];
    const make = () => actionButton({ classes: "icon-button small", compact: true, onFailure });
    keep(holder, words, (word) => word.replace(/^(un|re)(?=mute)/, "").replace("resume", "hold"), make, (button, word) => button.show(card, word));
  };
}

/** Whether the bar has this word now. */
export const isOnBar = (card, word) => BAR.some((place) => wordNow(card, place) === word);
