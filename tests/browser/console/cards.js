// Owns made-up states of the console, as the stream would tell them: for screenshots and for states that are hard to bring about.

let count = 0;
const id = () => `0193f000-0000-7000-8000-${String((count += 1)).padStart(12, "0")}`;

/** So many seconds ago. */
export const ago = (seconds) => new Date(Date.now() - seconds * 1000).toISOString();

export const ALICE = { id: "a1", name: "alice", display_name: "Alice Okafor", role: "agent", address: "+15550100101", presence: "busy", chosen: "available" };
export const SUPERVISOR = { id: "s1", name: "sam", display_name: "Sam Lindqvist", role: "supervisor", address: "+15550100109", presence: "available", chosen: "available" };

const member = (name, display_name, presence, seconds, more = {}) => ({ name, display_name, role: "agent", presence, on_call: false, since: ago(seconds), disabled: false, ...more });

export const TEAM = [
  member("alice", "Alice Okafor", "busy", 194, { on_call: true }),
  member("dana", "Dana Whitfield", "available", 1260),
  member("tomas", "Tomás Herrera", "available", 340),
  member("yuki", "Yuki Tanaka", "busy", 611, { on_call: true }),
  member("priya", "Priya Raman", "wrap_up", 42),
  member("noor", "نور الهاشمي", "available", 75),
  member("ben", "Ben Achterberg-van der Meulen", "away", 5400),
  member("sam", "Sam Lindqvist", "available", 9200, { role: "supervisor" }),
];

const SETTINGS = {
  dispositions: ["sale", "appointment", "callback", "not_interested", "no_contact", "wrong_number", "do_not_call", "other"],
  outcome_required: false, style: "with_customer", require_accept: false, ring_timeout_secs: 25, long_hold_secs: 60, dead_air_secs: 5,
};

/** A person of a call. */
export function person(role, name, state, seconds, more = {}) {
  return {
    leg_id: id(), role, agent: null, name, address: role === "customer" ? "+15550100123" : "+15550100102", state, since: ago(seconds), muted: false, hears: [], answered_at: ago(seconds), ended_at: null,
    failure: null, failure_detail: null, mode: null, transfer_id: null, is_holder: role === "first_agent", ...more,
  };
}

const hear = (one, ...others) => (one.hears = others.map((other) => (typeof other === "string" ? { kind: other } : { kind: "person", leg_id: other.leg_id })));

/** Everybody hears everybody. */
const together = (...people) => people.forEach((one) => hear(one, ...people.filter((other) => other !== one)));

/** A card. */
export function card(people, more = {}) {
  return {
    id: id(), status: "connected", stage: "connected", bridge: "dial", created_at: ago(206), connected_at: ago(194), ended_at: null, ended_by: null, end_reason: null, end_detail: null, external_id: "deal-4217",
    queue_position: null, room_sid: null, customer: { address: "+15550100123", name: "" }, people, transfer: null, transfers: [], can: [], outcome: null, outcome_missing: false, alarms: [], ...more,
  };
}

const transfer = (people, more = {}) => ({
  id: id(), style: "with_customer", status: "ringing", briefing: "Maria wants the annual plan; price agreed at 1,200. She asks about the migration of her old numbers.", to: people.map(({ leg_id }) => leg_id),
  leg_id: people[0].leg_id, require_accept: false, requested_at: ago(9), ended_at: null, failure: null, failure_detail: null, recall: false, ...more,
});

const alice = (state, seconds, more = {}) => person("first_agent", "Alice Okafor", state, seconds, { agent: "alice", address: "+15550100101", ...more });
const dana = (state, seconds, more = {}) => person("second_agent", "Dana Whitfield", state, seconds, { agent: "dana", address: "+15550100102", ...more });
const maria = (state, seconds, more = {}) => person("customer", "María Gómez", state, seconds, more);

/** The cards by name. */
export const CARDS = {
  talking() {
    const people = [alice("talking", 194), maria("talking", 194)];
    together(...people);
    return card(people, { can: ["transfer", "hold:customer", "mute:first_agent", "hangup"] });
  },
  dialing() {
    const people = [alice("ringing", 4), maria("planned", 4)];
    return card(people, { status: "dialing_agent", stage: "dialing_agent", connected_at: null, created_at: ago(5), can: ["hangup"] });
  },
  ringing() {
    const people = [alice("talking", 194), maria("talking", 194), dana("ringing", 9)];
    together(people[0], people[1]);
    people[0].hears.push({ kind: "ringing" });
    return card(people, { status: "transferring", stage: "transferring", transfer: transfer([people[2]]), can: ["complete", "cancel", "mute:first_agent", "hold:customer", "hangup"] });
  },
  together() {
    const people = [alice("talking", 194), maria("talking", 194), dana("talking", 31)];
    together(...people);
    return card(people, {
      status: "transferring", stage: "introducing", transfer: transfer([people[2]], { status: "joined" }),
      can: ["complete", "cancel", "mute:first_agent", "hold:customer", "mute:second_agent", "remove:second_agent", "mute:customer", "hangup"],
    });
  },
  consulting() {
    const people = [alice("talking", 194), maria("waiting", 22), dana("talking", 22, { muted: true })];
    hear(people[0]);
    hear(people[2], people[0]);
    hear(people[1], "music");
    return card(people, {
      status: "transferring", stage: "consulting", transfer: transfer([people[2]], { status: "joined", style: "private_first" }),
      can: ["complete", "cancel", "merge", "swap", "mute:first_agent", "unmute:second_agent", "remove:second_agent", "hangup"],
    });
  },
  failed() {
    const people = [alice("talking", 194), maria("talking", 194), dana("failed", 12, { failure: "no_answer" })];
    together(people[0], people[1]);
    const last = transfer([people[2]], { status: "failed", failure: "no_answer", failure_detail: "Dana Whitfield did not answer within 25 s" });
    return card(people, { status: "in_room", stage: "in_room", transfers: [last], can: ["transfer", "hold:customer", "mute:first_agent", "hangup"] });
  },
  held() {
    const people = [alice("talking", 194), maria("on_hold", 95)];
    hear(people[0]);
    hear(people[1], "music");
    return card(people, {
      status: "in_room", stage: "in_room", can: ["transfer", "resume:customer", "mute:first_agent", "hangup"],
      alarms: [{ kind: "long_hold", leg_id: people[1].leg_id, since: ago(95) }],
    });
  },
  incoming() {
    const from = person("first_agent", "Dana Whitfield", "talking", 194, { agent: "dana" });
    const people = [from, maria("talking", 194), person("second_agent", "Alice Okafor", "ringing", 6, { agent: "alice", address: "+15550100101" })];
    together(from, people[1]);
    return card(people, { status: "transferring", stage: "transferring", transfer: transfer([people[2]]), can: [] });
  },
  ended() {
    const people = [alice("left", 20, { ended_at: ago(20) }), maria("left", 20)];
    return card(people, { status: "ended", stage: "ended", ended_at: ago(20), ended_by: "customer", end_reason: "hung_up", connected_at: ago(420) });
  },
  rightToLeft() {
    const people = [alice("talking", 64), maria("talking", 64, { name: "فاطمة الزهراء بنت محمد بن عبد الرحمن القرشي" }), dana("talking", 12, { name: "נועה בן־דוד", agent: "noa" })];
    together(...people);
    return card(people, {
      status: "transferring", stage: "introducing", external_id: "عرض-٤٢", transfer: transfer([people[2]], { status: "joined", briefing: "تريد الخطة السنوية؛ السعر المتفق عليه 1,200." }),
      can: ["complete", "cancel", "mute:first_agent", "remove:second_agent", "hangup"],
    });
  },
  long() {
    const others = [dana("ringing", 3, { name: "Tomás Herrera", agent: "tomas" }), dana("failed", 3, { name: "Yuki Tanaka", agent: "yuki", failure: "busy" })];
    const people = [alice("talking", 64, { name: "Alexandrina Konstantinopoulou-Featherstonehaugh of Wolfeschlegelsteinhausen" }), maria("talking", 3700, { name: "Dr. Maximiliane Freifrau von und zu Donaudampfschifffahrtselektrizitätenhauptbetriebswerk" }), dana("asked", 12), ...others];
    together(people[0], people[1]);
    hear(people[2], "words");
    return card(people, {
      status: "transferring", stage: "transferring", connected_at: ago(3700), external_id: "opportunity-00000000000000000000000000000000000000000000000042",
      transfer: transfer(people.slice(2), { status: "answered" }),
      can: ["complete", "cancel", "mute:first_agent", "hold:customer", "hangup"],
    });
  },
  supervised() {
    const boss = person("supervisor", "Sam Lindqvist", "talking", 40, { agent: "sam", mode: "coach" });
    const people = [alice("talking", 194), maria("talking", 194), dana("talking", 31), boss];
    together(...people.slice(0, 3));
    people[0].hears.push({ kind: "person", leg_id: boss.leg_id });
    hear(boss, ...people.slice(0, 3));
    return card(people, {
      status: "transferring", stage: "introducing", transfer: transfer([people[2]], { status: "joined" }),
      can: ["complete", "cancel", "mute:first_agent", "hold:customer", "mute:second_agent", "remove:second_agent", "hangup", "supervise"],
    });
  },
  silent() {
    const people = [alice("left", 8), maria("talking", 8), dana("talking", 8)];
    hear(people[2]);
    return card(people, { status: "in_room", stage: "in_room", can: ["hangup", "supervise"], alarms: [{ kind: "dead_air", leg_id: people[1].leg_id, since: ago(8) }] });
  },
};

const NAMES = ["Amara Nwosu", "Liam Hartley", "Sofía Castellanos", "Wei Zhang", "Ingrid Solberg", "Mateo Rossi", "Aisha Rahman", "Noah Becker", "Chloé Laurent", "Ravi Menon", "Greta Novak", "Omar Haddad"];

/** So many live calls, of all kinds. */
export function crowd(many) {
  const kinds = ["talking", "talking", "talking", "ringing", "together", "talking", "consulting", "talking", "dialing", "talking", "held", "talking", "talking", "failed"];
  return Array.from({ length: many }, (_, place) => {
    const one = CARDS[kinds[place % kinds.length]]();
    const customer = one.people.find(({ role }) => role === "customer");
    customer.name = NAMES[place % NAMES.length];
    one.people[0].name = TEAM[place % TEAM.length].display_name;
    const old = 20 + ((place * 37) % 900);
    return { ...one, external_id: `deal-${4200 + place}`, created_at: ago(old + 12), connected_at: one.connected_at && ago(old), alarms: place % 14 === 10 && place < 30 ? one.alarms : [] };
  });
}

export const NUMBERS = {
  calls: 412, connected: 268, transfers: 96, accepted: 83, accept_rate: 0.865, time_to_answer_ms: { median: 6400, p90: 14800 },
  failures: [{ reason: "no_answer", count: 7 }, { reason: "busy", count: 3 }, { reason: "declined", count: 2 }, { reason: "voicemail", count: 1 }],
  time_zone: "UTC", by_hour: [8, 9, 10, 11, 12, 13, 14, 15, 16, 17].map((hour, place) => ({ hour, calls: [22, 41, 58, 63, 30, 44, 61, 52, 33, 8][place], transfers: [4, 9, 15, 17, 6, 11, 14, 12, 7, 1][place] })),
};

export const NO_NUMBERS = { calls: 0, connected: 0, transfers: 0, accepted: 0, accept_rate: null, time_to_answer_ms: { median: null, p90: null }, failures: [], by_hour: Array.from({ length: 24 }, (_, hour) => ({ hour, calls: 0, transfers: 0 })) };

export const RECENT = {
  recent: [
    { to: "+15550100123", name: "María Gómez", at: ago(300) },
    { to: "agent:dana", name: "Dana Whitfield", at: ago(400) },
    { to: "+15550100177", name: null, at: ago(4000) },
    { to: "+442079460123", name: "Northwind Ltd", at: ago(9000) },
  ],
};

/** What a stream says first. */
export const snapshot = (me, calls, more = {}) => ({ build: "dev", now: new Date().toISOString(), is_stale: false, me, calls, team: TEAM, settings: SETTINGS, ...more });
