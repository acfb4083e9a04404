// Owns the call card: who is on the call, what is going on, and what one can do, kept up to date without losing the focus.

import { callBar, isOnBar, personControls } from "./actions.js";
import { setSince, timer } from "./clock.js";
import { h, icon, keep, setAttr, setNodes, setText } from "./dom.js";
import { isMe, nameOf, peopleBox, stateWords } from "./people.js";
import { alarms, customerOf, isLive, isOn } from "./state.js";
import { address, bdi, called, nodes, t } from "./words.js";

const STAGE_TONES = {
  queued: "soft", dialing_agent: "blue", dialing_customer: "blue", connected: "green", transferring: "warm", consulting: "violet", swapped: "violet", introducing: "green", waiting: "amber",
  in_room: "green", ending: "soft", ended: "soft",
};

const holder = (card) => card.people.find(({ is_holder }) => is_holder) ?? card.people[0];

/** The second agent that the transfer under way is about. */
export function second(card) {
  const leg = card.transfer?.leg_id;
  return card.people.find(({ leg_id }) => leg_id === leg) ?? card.people.findLast(({ role }) => role === "second_agent");
}

/** Whether all that is going on is that the customer is on hold. */
const isHeld = (card) => ["connected", "in_room"].includes(card.stage) && customerOf(card).state === "on_hold";

/** What is going on, in words. */
export function stageWords(card) {
  const agent = holder(card);
  if (card.stage === "queued" && card.queue_position) return t("stage.queued.place", { place: card.queue_position });
  if (card.stage === "dialing_agent" && agent && isMe(agent)) return t("stage.dialing_agent.you");
  if (isHeld(card)) return t("stage.on_hold");
  return t(`stage.${card.stage}`, { agent: agent ? called(agent) : "", customer: called(customerOf(card)), second: second(card) ? nameOf(second(card)) : "" });
}

/** Its colour. */
export const stageTone = (card) => (isHeld(card) ? "violet" : (STAGE_TONES[card.stage] ?? "soft"));

function transferStrip(card) {
  const { transfer } = card;
  const targets = (transfer.to ?? []).map((leg) => card.people.find(({ leg_id }) => leg_id === leg)).filter(Boolean);
  const names = targets.length > 1 ? nodes("transfer.of.many", { count: targets.length }) : nodes("transfer.of", { name: second(card) ? nameOf(second(card)) : "" });
  const title = transfer.recall && second(card) ? nodes("transfer.recall", { name: called(second(card)) }) : names;
  return [
    h("div", { class: "head" }, icon("transfer"), h("span", {}, title), h("span", { class: "chip plain" }, t(`style.${transfer.style}`)), h("span", { class: "chip plain" }, t(`transfer.status.${transfer.status}`)), timer(transfer.requested_at)),
    targets.length > 1 ? h("div", { class: "targets" }, targets.map((person) => h("span", { class: "chip", "data-tone": person.state === "failed" ? "red" : "blue" }, bdi(called(person)), h("span", {}, stateWords(person))))) : null,
    transfer.briefing ? h("p", { class: "quote", dir: "auto" }, transfer.briefing) : null,
  ].filter(Boolean);
}

function alarmLine(alarm, card) {
  const person = card.people.find(({ leg_id }) => leg_id === alarm.leg_id);
  return h("div", { class: "notice", "data-tone": "red" }, icon("alert"), h("span", { class: "grow" }, nodes(`alarm.${alarm.kind}.of`, { name: person ? called(person) : "" }), " ", timer(alarm.since)));
}

/** The last transfer, if it came to nothing and nothing was tried since. */
function failedTransfer(card) {
  if (card.transfer || !isLive(card)) return null;
  const last = card.transfers?.at(-1);
  return last && last.status === "failed" ? last : null;
}

/** Those who were on the call and are not any more, in a line. */
function earlier(card) {
  const shown = new Set([...card.people.filter(isOn).map(({ leg_id }) => leg_id), ...(card.transfer?.to ?? [])]);
  return card.people.filter((person) => person.role === "second_agent" && !isOn(person) && person.state !== "planned" && !shown.has(person.leg_id));
}

/** A card. `onTransfer(card, failed)` opens the panel; `extra(card)` is what a supervisor has more. */
export function makeCard({ onTransfer, level = "h2", extra }) {
  const title = h(level, {});
  const sub = h("p", { class: "sub" });
  const chip = h("span", { class: "chip" }, h("span"));
  const clock = timer();
  const alarmLines = h("div", { class: "stack", hidden: true });
  const strip = h("div", { class: "transfer-strip", hidden: true });
  const notice = h("div", { class: "notice", "data-tone": "amber", hidden: true });
  const gone = h("p", { class: "earlier-line", hidden: true });
  const failure = h("p", { class: "problem", role: "alert" });
  const onFailure = (words) => setText(failure, words);
  const people = peopleBox(personControls({ onFailure, isOnBar }));
  const bar = callBar({ onTransfer: (card) => onTransfer(card), onFailure });
  const more = h("div", {});
  const element = h(
    "article",
    { class: "card call", tabindex: "-1" },
    h("header", { class: "call-head" }, h("div", { class: "who" }, title, sub), h("div", { class: "call-status" }, chip, clock)),
    alarmLines, people.element, strip, notice, gone, failure, bar.element, more,
  );
  let dismissed = null;

  function showNotice(card) {
    const failed = failedTransfer(card);
    notice.hidden = !failed || failed.id === dismissed;
    if (notice.hidden || notice.dataset.of === failed.id) return;
    notice.dataset.of = failed.id;
    const reason = failed.failure_detail ?? t(`failure.${failed.failure ?? "error"}`);
    const dismiss = () => {
      dismissed = failed.id;
      notice.hidden = true;
    };
    notice.replaceChildren(
      icon("alert"),
      h("span", { class: "grow" }, nodes("transfer.failed", { reason }), " ", isOn(customerOf(card)) ? nodes("transfer.failed.together", { customer: called(customerOf(card)) }) : ""),
      h("button", { type: "button", class: "button small again", onclick: () => onTransfer(element.card, failed) }, t("transfer.again")),
      h("button", { type: "button", class: "button small", onclick: dismiss }, t("app.dismiss")),
    );
  }

  function showHead(card) {
    const customer = customerOf(card);
    setNodes(title, [bdi(called(customer))]);
    element.setAttribute("aria-label", t("card.call_with", { name: called(customer) }));
    const facts = [customer.name ? h("span", {}, bdi(address(customer.address))) : null, card.external_id ? h("span", {}, nodes("card.reference", { id: card.external_id })) : null, h("a", { href: `/calls/${card.id}` }, t("card.open"))];
    setNodes(sub, facts.filter(Boolean));
    setAttr(chip, "data-tone", stageTone(card));
    setText(chip.firstElementChild, stageWords(card));
    setSince(clock, card.connected_at ?? card.created_at, card.ended_at);
  }

  const update = (card) => {
    element.card = card;
    element.dataset.live = String(isLive(card));
    element.dataset.stage = card.stage;
    showHead(card);
    const raised = alarms(card);
    alarmLines.hidden = raised.length === 0;
    keep(alarmLines, raised, (alarm) => `${alarm.kind}${alarm.leg_id}${alarm.since}`, (alarm) => alarmLine(alarm, card));
    people.update(card);
    strip.hidden = !card.transfer;
    if (card.transfer) setNodes(strip, transferStrip(card));
    if (!failedTransfer(card)) delete notice.dataset.of;
    showNotice(card);
    const left = earlier(card);
    gone.hidden = left.length === 0;
    setNodes(gone, [`${t("card.earlier")}: `, ...left.flatMap((person, place) => [place ? ", " : "", bdi(called(person)), ` (${stateWords(person)})`])]);
    bar.update(card);
    extra?.(more, card);
    bar.element.classList.toggle("can-transfer", Boolean(onTransfer) && card.can.includes("transfer"));
  };
  return { element, update, press: (key) => bar.press(key) };
}
