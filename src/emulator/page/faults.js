// Owns what goes wrong on purpose: a handful of presets as toggles, and the whole document as JSON.

import { ask } from "./api.js";
import { field, h } from "./dom.js";
import { state } from "./state.js";

/** The fields that a preset gives to the rule for everything (`*`), and those it takes away. */
const PRESETS = [
  ["rest", "REST is slow", "Each request takes 0.4 to 2 s", { latency_ms: [400, 2000] }],
  ["rest", "REST answers 429", "Too many requests, try again in a second", { status: 429, retry_after_s: 1 }, ["after_effect"]],
  ["rest", "REST answers 503 after the effect", "It was done, and the client does not know", { status: 503, after_effect: true }, ["retry_after_s"]],
  ["webhooks", "Lose webhooks", "One in ten never arrives", { drop: 0.1 }],
  ["webhooks", "Double webhooks", "Each arrives twice", { duplicate: true }],
  ["webhooks", "Delay webhooks", "Each is 3 s late", { delay_ms: 3000 }],
  ["webhooks", "Reorder webhooks", "Half of them may be overtaken", { reorder: 0.5 }],
  ["webhooks", "Sign webhooks wrongly", "No signature is right", { bad_signature: true }],
];

const panel = document.getElementById("panel-faults");
const refusal = h("p", { class: "refusal", role: "alert", id: "faults-refusal" });
const editor = h("textarea", { rows: "14", spellcheck: "false", class: "code", oninput: () => (edited = true) });
const toggles = PRESETS.map(makeToggle);
let edited = false;

panel.append(
  h("div", { class: "toggles" }, toggles.map(([row]) => row)),
  h("form", { class: "editor", onsubmit: (event) => { event.preventDefault(); applyText(); } },
    field("Faults as JSON", editor, "The first rule that matches decides; the toggles edit the rule for everything, “*”."),
    h("div", { class: "actions" },
      h("button", { type: "submit", class: "primary" }, "Apply"),
      h("button", { type: "button", onclick: () => { edited = false; refusal.textContent = ""; drawFaults(); } }, "Discard changes")),
    refusal));

function makeToggle(preset) {
  const [, name, hint] = preset;
  const box = h("input", { type: "checkbox", role: "switch", onchange: () => flip(preset, box.checked) });
  const row = field(name, box, hint);
  row.classList.add("toggle");
  return [row, box];
}

/** Without the fields that say nothing. */
const plain = (value) => JSON.parse(JSON.stringify(value, (_, v) => (v === null ? undefined : v)));
const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
const general = (rules) => rules.find((rule) => rule.match === "*" && rule.chance === undefined && rule.times === undefined);

const isOn = ([kind, , , fields], faults) => {
  const rule = general(faults[kind]);
  return rule !== undefined && Object.entries(fields).every(([name, value]) => same(rule[name], value));
};

/** Gives the preset's fields to the general rule, or takes them away; a rule without any is none. */
function flip([kind, , , fields, opposite = []], on) {
  const faults = plain(state.faults);
  const old = general(faults[kind]);
  const rule = { match: "*", ...old };
  for (const name of [...Object.keys(fields), ...opposite]) delete rule[name];
  if (on) Object.assign(rule, fields);
  if (rule.after_effect === false) delete rule.after_effect;
  // The last in the row, so that rules for something special still decide first.
  faults[kind] = [...faults[kind].filter((other) => other !== old), ...(Object.keys(rule).length > 1 ? [rule] : [])];
  send(faults);
}

function applyText() {
  try {
    send(JSON.parse(editor.value));
  } catch (error) {
    refuse(`This is no JSON: ${error.message}`);
  }
}

async function send(faults) {
  const words = await ask("PUT", "faults", faults);
  refuse(words ?? "");
  if (words === null) edited = false;
  drawFaults();
}

function refuse(words) {
  refusal.textContent = words;
  editor.setAttribute("aria-invalid", String(words !== ""));
}

export function drawFaults() {
  const faults = plain(state.faults);
  PRESETS.forEach((preset, at) => (toggles[at][1].checked = isOn(preset, faults)));
  if (!edited) editor.value = JSON.stringify(faults, null, 2);
}
