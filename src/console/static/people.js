// Owns the people of a call: who is shown, in which state, and who hears whom, drawn as wires and said in words.

import { timer, setSince } from "./clock.js";
import { avatar, setAvatar } from "./avatar.js";
import { h, keep, s, setAttr, setNodes, setText } from "./dom.js";
import { alarms, isOn, state } from "./state.js";
import { address, bdi, called, listed, nodes, t } from "./words.js";

const TONES = {
  planned: "soft", calling: "blue", ringing: "blue", talking: "green", on_hold: "violet", waiting: "violet", asked: "amber", muted: "amber", leaving: "soft", left: "soft", failed: "red",
};
/** Between more people than that wires are a tangle; the words say it all. */
const MOST_WIRED = 4;
const SIDES = ["first_agent", "customer", "second_agent", "supervisor"];

/** Whether this person is the one who looks. */
export const isMe = (person) => Boolean(person.agent) && person.agent === state.me?.name;

/** What to call somebody on the card: the one who looks is `you`. */
export const nameOf = (person) => (isMe(person) ? t("app.you") : called(person));

/** How somebody is: who talks and is muted is muted. */
const stateOf = (person) => (person.state === "talking" && person.muted ? "muted" : person.state);

/** A state in words: of somebody who was not reached, why. */
export function stateWords(person) {
  if (person.role === "supervisor" && person.mode && person.state === "talking") return t(`mode.${person.mode}`);
  if (person.state === "failed" && person.failure) return t(`failure.${person.failure}`);
  return t(`state.${stateOf(person)}`);
}

/** Its colour, and of a person who is talking to nobody yet too. */
export const tone = (person) => TONES[stateOf(person)] ?? "soft";

/** Agent and customer always; of the others those who are on the line, or whom the transfer under way rings. */
export function shownPeople(card) {
  const called = new Set(card.transfer?.to ?? []);
  const shown = card.people.filter((person) => {
    if (person.role === "first_agent" || person.role === "customer") return true;
    return isOn(person) || (called.has(person.leg_id) && person.state !== "planned" && card.transfer.leg_id === person.leg_id);
  });
  // Of several legs of one agent (rung back, say) the newest counts.
  const last = new Map(shown.map((person) => [person.role === "second_agent" || person.role === "supervisor" ? person.leg_id : person.role, person]));
  return [...last.values()].sort((one, other) => SIDES.indexOf(one.role) - SIDES.indexOf(other.role));
}

/** What somebody hears, in words: nodes, so that names stay whole. */
export function hearing(person, card) {
  if (!isOn(person) || person.state === "calling" || person.state === "ringing") return { nodes: [], isDead: false };
  const me = isMe(person);
  if (person.hears.length === 0) {
    // An agent whose customer is on hold hears nothing, and knows why.
    const isDead = person.role === "customer" || alarms(card).some(({ leg_id }) => leg_id === person.leg_id);
    return { nodes: [t(me ? "hears.you.nothing" : "hears.nothing")], isDead };
  }
  const known = new Map(card.people.map((other) => [other.leg_id, other]));
  const words = person.hears.map((heard) => (heard.kind === "person" ? nameOf(known.get(heard.leg_id) ?? {}) : t(`hears.${heard.kind}`)));
  return { nodes: nodes(me ? "hears.you" : "hears", { who: listed(words) }), isDead: false };
}

/** A chip with a state and how long it has been. */
export function stateChip(person) {
  return h("span", { class: "chip", "data-tone": tone(person) }, h("span", {}, stateWords(person)), timer(person.since));
}

function makePerson(person, controls) {
  const parts = {
    avatar: avatar(called(person)),
    name: h("div", { class: "name" }),
    role: h("div", { class: "role" }),
    state: h("div", { class: "state" }, stateChip(person)),
    hears: h("div", { class: "hears" }),
    controls: h("div", { class: "controls" }),
  };
  const element = h("li", { class: "person" }, Object.values(parts));
  element.parts = parts;
  element.controls = controls;
  return element;
}

function updatePerson(element, person, card) {
  const { parts } = element;
  element.dataset.state = stateOf(person);
  element.dataset.role = person.role;
  const name = called(person);
  setAvatar(parts.avatar, person.name || "");
  setNodes(parts.name, isMe(person) ? [bdi(name), ` (${t("app.you")})`] : [bdi(name)]);
  const number = person.role === "customer" && person.name ? address(person.address) : "";
  setNodes(parts.role, number ? [t(`role.${person.role}`), " · ", bdi(number)] : [t(`role.${person.role}`)]);
  const chip = parts.state.firstElementChild;
  setAttr(chip, "data-tone", tone(person));
  setText(chip.firstElementChild, stateWords(person));
  setSince(chip.lastElementChild, isOn(person) ? person.since : null);
  const heard = hearing(person, card);
  setNodes(parts.hears, heard.nodes);
  parts.hears.classList.toggle("dead", heard.isDead);
  element.controls(parts.controls, person, card);
}

/** The pairs of people between whom there is a wire: both ways, or one. */
export function wires(people) {
  const hears = (one, other) => one.hears.some((heard) => heard.kind === "person" && heard.leg_id === other.leg_id);
  const found = [];
  for (let left = 0; left < people.length; left += 1) {
    for (let right = left + 1; right < people.length; right += 1) {
      const [there, back] = [hears(people[left], people[right]), hears(people[right], people[left])];
      if (there || back) found.push({ left, right, isOneWay: there !== back });
    }
  }
  return found;
}

function drawWires(svg, people) {
  const drawn = people.length <= MOST_WIRED ? wires(people) : [];
  svg.classList.toggle("bare", drawn.length === 0);
  keep(svg, drawn, ({ left, right }) => `${left}-${right}-${people.length}`, () => s("path"), (path, { left, right, isOneWay }) => {
    const at = (place) => ((place + 0.5) / people.length) * 100;
    // The nearer, the flatter, so that two that meet at one person do not lie on each other.
    const top = right - left === 1 ? 42 : right - left === 2 ? -8 : -30;
    const inset = (right - left) * 0.6 + 0.6;
    setAttr(path, "d", `M${at(left) + inset} 96C${at(left) + 4} ${top} ${at(right) - 4} ${top} ${at(right) - inset} 96`);
    setAttr(path, "class", isOneWay ? "one" : null);
  });
}

/** The part of a card that shows its people. `controls(holder, person, card)` fills in each one's buttons. */
export function peopleBox(controls) {
  const svg = s("svg", { class: "wires", viewBox: "0 0 100 100", preserveAspectRatio: "none", "aria-hidden": "true", focusable: "false" });
  const people = h("ul", { class: "people", "aria-label": t("card.people") });
  const element = h("div", { class: "people-box" }, svg, people);
  const update = (card) => {
    const shown = shownPeople(card);
    element.dataset.many = String(shown.length > 2);
    people.style.setProperty("--people", Math.max(2, Math.min(shown.length, MOST_WIRED)));
    keep(people, shown, (person) => person.leg_id ?? person.role, (person) => makePerson(person, controls), (each, person) => updatePerson(each, person, card));
    drawWires(svg, shown);
  };
  return { element, update };
}
