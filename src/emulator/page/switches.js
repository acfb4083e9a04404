// Owns the switches: one control for each open question about Twilio.

import { ask } from "./api.js";
import { field, h, select } from "./dom.js";
import { state } from "./state.js";

/** Those that are not yes or no, a number or a word. */
const CHOICES = {
  dial_call_status_after_redirect: ["completed", "answered", "absent"],
  redirect_order: ["random", "url_first", "action_first"],
  deleted_participant: ["continues", "ends"],
  completing_an_ended_call: ["refused", "ignored"],
  redirecting_an_unanswered_call: ["refused", "ignored"],
  updated_time_limit_counts_from: ["answer", "update"],
  refused_whisper_status: ["completed", "no_answer"],
  ringing_when_conference_ends: ["rings_on", "ends"],
  declined_status: ["no_answer", "busy"],
  unowned_from: ["accepted", "refused"],
};

const panel = document.getElementById("panel-switches");
const refusal = h("p", { class: "refusal", role: "alert" });
const list = h("div", { class: "switches" });
const toggles = h("div", { class: "toggles" });
const controls = new Map();
panel.append(h("p", { class: "hint" }, "Where Twilio's documentation is silent, the emulator does the likeliest thing; here it does the other."), refusal, list, toggles);

const words = (name) => name.replaceAll("_", " ").replace(/^./, (first) => first.toUpperCase()).replace(/ ms$/, " (ms)").replace(/ percent$/, " (%)");

function makeControl(name, value) {
  const onchange = () => change(name, typeof value);
  if (CHOICES[name]) return select(CHOICES[name].map((choice) => [choice, choice.replaceAll("_", " ")]), { onchange });
  if (typeof value === "boolean") return h("input", { type: "checkbox", role: "switch", onchange });
  if (typeof value === "number") return h("input", { type: "number", min: "0", step: "1", onchange });
  return h("input", { type: "text", autocomplete: "off", onchange });
}

async function change(name, type) {
  const control = controls.get(name);
  const value = type === "boolean" ? control.checked : type === "number" ? Number(control.value) : control.value;
  refusal.textContent = (await ask("PUT", "switches", { [name]: value })) ?? "";
  drawSwitches();
}

export function drawSwitches() {
  for (const [name, value] of Object.entries(state.switches)) {
    if (!controls.has(name)) {
      const control = makeControl(name, value);
      controls.set(name, control);
      const row = field(words(name), control);
      const yesOrNo = typeof value === "boolean";
      row.classList.toggle("toggle", yesOrNo);
      (yesOrNo ? toggles : list).append(row);
    }
    const control = controls.get(name);
    if (control.type === "checkbox") control.checked = value;
    else if (document.activeElement !== control || control.tagName === "SELECT") control.value = String(value);
  }
}
