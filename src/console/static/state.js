// Owns what is known: calls, team and me as the stream tells them, and who wants to hear of changes.

import { now, setServerTime, until } from "./clock.js";
import { follow } from "./stream.js";

/** What the service has said. Nothing else writes it. */
export const state = {
  me: null,
  calls: new Map(),
  team: new Map(),
  settings: { dispositions: [], outcome_required: false, style: "with_customer", require_accept: false, ring_timeout_secs: 25 },
  build: null,
  connection: "connecting",
  heardAt: 0,
  isStale: false,
  staleSince: null,
  isKnown: false,
};

/** Many changes within this time are shown as one. */
const BATCH_MS = 40;

const watchers = new Set();
let alarmDue = null;
let isDue = false;
let shownAt = 0;
let before = new Map();

/** Calls `watcher(state, before)` after each batch of changes; `before` has the calls as they were, null after a snapshot. */
export function watch(watcher) {
  watchers.add(watcher);
  if (state.isKnown || state.connection !== "connecting") changed();
}

// A hidden page has no animation frames, and somebody may be calling.
function changed() {
  if (isDue) return;
  isDue = true;
  const wait = Math.max(0, shownAt + BATCH_MS - Date.now());
  setTimeout(() => {
    isDue = false;
    shownAt = Date.now();
    const was = before;
    before = new Map(state.calls);
    for (const watcher of watchers) watcher(state, was);
    wakeForAlarms();
  }, wait);
}

const limit = ({ kind }) => (kind === "dead_air" ? state.settings.dead_air_secs : state.settings.long_hold_secs) * 1000;
const raisedAt = (alarm) => Date.parse(alarm.since) + limit(alarm);

/** What has gone on for too long by now. An agent who has put the customer on hold hears nothing, and that is no alarm. */
export function alarms(card) {
  const isWanted = (alarm) => alarm.kind !== "dead_air" || alarm.leg_id === customerOf(card).leg_id || !["on_hold", "waiting"].includes(customerOf(card).state);
  return (card.alarms ?? []).filter((alarm) => raisedAt(alarm) <= now() && isWanted(alarm));
}

/** Alarms are raised by the clock, with no news. */
function wakeForAlarms() {
  clearTimeout(alarmDue);
  const coming = [...state.calls.values()].flatMap((card) => card.alarms ?? []).map(raisedAt).filter((at) => at > now());
  if (coming.length) alarmDue = setTimeout(changed, until(Math.min(...coming)) + 20);
}

/** Whoever has no name is called by their number, not by what they are. */
function named(card) {
  const plain = (somebody) => ({ ...somebody, name: /^the (customer|agent|second agent)$/.test(somebody.name) ? "" : somebody.name });
  const people = card.people.map(plain);
  return { ...card, customer: plain(card.customer), people, can: card.can.filter((word) => may({ ...card, people }, word)) };
}

const ENDS = ["complete", "hangup", "remove:customer", "remove:first_agent"];

/** Whether I may do what can be done: as the service decides, so that there is no button that is refused. */
function may(card, word) {
  if (state.me.role !== "agent") return true;
  const own = card.people.filter((person) => person.agent === state.me.name);
  const holds = own.some((person) => person.is_holder || (person.role === "first_agent" && !isOver(person)));
  const { transfer } = card;
  const hasJoined = transfer?.status === "joined" && own.some((person) => person.leg_id === transfer.leg_id && isOn(person));
  return word !== "supervise" && (holds || (hasJoined && !ENDS.includes(word)));
}

const readers = {
  snapshot(data) {
    setServerTime(data.now, data.speed);
    state.me = data.me;
    state.calls = new Map(data.calls.map((call) => [call.id, named(call)]));
    state.team = new Map(data.team.map((member) => [member.name, member]));
    state.settings = data.settings;
    state.build = data.build;
    state.isStale = data.is_stale;
    state.staleSince = data.stale_since;
    state.isKnown = true;
  },
  call(card) {
    state.calls.set(card.id, named(card));
  },
  gone({ id }) {
    state.calls.delete(id);
  },
  team(member) {
    state.team.set(member.name, member);
  },
  me(me) {
    state.me = me;
  },
  stale({ is_stale, since }) {
    state.isStale = is_stale;
    state.staleSince = since;
  },
};

/** Connects, and stays connected. Gives `retry`. */
export function connect() {
  const onEvent = (name, data) => {
    readers[name]?.(data);
    changed();
  };
  return follow(onEvent, (connection, heardAt) => {
    state.connection = connection;
    state.heardAt = heardAt;
    changed();
  });
}

/** What I have just changed myself, until the stream says it too. */
export function setMe(change) {
  state.me = { ...state.me, ...change };
  changed();
}

const isOver = (person) => person.state === "left" || person.state === "failed";

/** My own part in a call: the newest leg that rings me or rang me. */
export function mine(card) {
  const own = card.people.filter((person) => person.agent && person.agent === state.me?.name && person.state !== "planned");
  return own.find((person) => !isOver(person)) ?? own.at(-1) ?? null;
}

/** Whether this person is on the line, or about to be. */
export const isOn = (person) => !isOver(person) && person.state !== "planned";

/** The customer's part; there always is one. */
export const customerOf = (card) => card.people.find(({ role }) => role === "customer") ?? { ...card.customer, role: "customer", state: "planned", hears: [] };

/** Whether the call goes on. */
export const isLive = (card) => card.status !== "ended";
