// Owns what is known: calls, team and me as the stream tells them, and who wants to hear of changes.

import { setServerTime } from "./clock.js";
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

const watchers = new Set();
let isDue = false;
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
  setTimeout(() => {
    isDue = false;
    const was = before;
    before = new Map(state.calls);
    for (const watcher of watchers) watcher(state, was);
  }, 0);
}

const readers = {
  snapshot(data) {
    setServerTime(data.now);
    state.me = data.me;
    state.calls = new Map(data.calls.map((call) => [call.id, call]));
    state.team = new Map(data.team.map((member) => [member.name, member]));
    state.settings = data.settings;
    state.build = data.build;
    state.isStale = data.is_stale;
    state.staleSince = data.is_stale ? (data.since ?? data.now) : null;
    state.isKnown = true;
  },
  call(card) {
    state.calls.set(card.id, card);
  },
  gone({ id }) {
    state.calls.delete(id);
  },
  team(member) {
    state.team.set(member.name, member);
    if (member.name === state.me?.name) state.me = { ...state.me, presence: member.presence };
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
