// Owns what the page knows: the last of each log, and the present as it was last told.

/** So many entries of each log are held. */
const MOST = 2_000;

const LOGS = ["request", "timeline", "twiml", "audibility", "webhook", "debugger"];
const SECTIONS = ["phones", "numbers", "conferences", "faults", "switches", "clock"];

/** Every name a message may have. */
export const MESSAGES = [...LOGS, ...SECTIONS, "snapshot", "reset"];

export const state = { account: "", epoch: 0 };
forget();

function forget() {
  for (const log of LOGS) state[log] = [];
  state.spans = new Map();
  state.requests = 0;
  state.epoch += 1;
}

/** Takes one message; the names of what has changed. */
export function apply(name, data) {
  if (name === "snapshot") {
    forget();
    for (const section of SECTIONS) state[section] = data[section];
    state.account = data.account_sid;
    state.met = { ms: data.now_ms, at: performance.now() };
    return MESSAGES;
  }
  if (name === "reset") return ["reset"];
  if (LOGS.includes(name)) {
    state[name].push(data);
    if (state[name].length > MOST) state[name].shift();
  } else {
    state[name] = data;
  }
  if (name === "request") data.number = state.requests += 1;
  if (name === "audibility") hear(data);
  return [name];
}

/** The present, in emulated milliseconds. */
export function now() {
  if (!state.clock) return 0;
  if (state.clock.mode === "virtual") return state.clock.now_ms;
  return Math.round(state.met.ms + (performance.now() - state.met.at) * state.clock.speed);
}

/** A change ends the leg's last span and may begin another; what lasted no time was not heard. */
function hear({ at_ms, call_sid, address, hears }) {
  const spans = state.spans.get(address) ?? [];
  state.spans.set(address, spans);
  const open = spans.findLast((span) => span.call_sid === call_sid && span.to === null);
  if (open) open.to = at_ms;
  if (open && open.from === at_ms) spans.splice(spans.indexOf(open), 1);
  if (hears) spans.push({ call_sid, from: at_ms, to: null, hears });
  if (spans.length > MOST) spans.shift();
}
