// Owns the forms that add a phone, ring a number and give the account a number.

import { ask, phonePath } from "./api.js";
import { field, h, keep, select } from "./dom.js";
import { state } from "./state.js";

const input = (name, placeholder, props = {}) => h("input", { name, placeholder, required: true, autocomplete: "off", spellcheck: "false", ...props });
const numbers = select([], { name: "to", required: true });
const noNumber = h("p", { class: "hint" }, "The account has no number yet: give it one below.");

/** Fills a form; what was refused is said beside it. */
function build(id, fields, button, send) {
  const form = document.getElementById(id);
  const refusal = h("p", { class: "refusal", role: "alert" });
  form.append(...fields, h("button", { type: "submit", class: "primary" }, button), refusal);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const words = await send(Object.fromEntries(new FormData(form)));
    refusal.textContent = words ?? "";
    if (!words) form.reset();
  });
}

export function buildForms() {
  const behaviour = select([["manual", "Rings until you act"], ["answer", "Answers"], ["busy", "Is busy"], ["no_answer", "Does not answer"],
    ["decline", "Declines"], ["voicemail", "A mailbox answers"], ["fax", "A fax answers"], ["unreachable", "Is unreachable"]], { name: "behaviour" });
  build("add-phone", [field("Address", input("address", "+15550100001"), "A number, client:name or sip:user@host."), field("When it is called", behaviour)],
    "Add", ({ address, behaviour }) => ask("PUT", phonePath(address.trim()), { behaviour }));
  build("ring", [field("From", input("from", "+15550100002")), field("To", numbers), noNumber],
    "Ring", ({ from, to }) => ask("POST", "calls", { from: from.trim(), to }));
  build("add-number", [field("Number", input("number", "+15550100000")), field("Voice URL", input("voice_url", "http://127.0.0.1:8000/voice", { type: "url" }))],
    "Save", ({ number, voice_url }) => ask("PUT", `numbers/${encodeURIComponent(number.trim())}`, { voice_url }));
}

export function drawNumbers() {
  const callable = state.numbers.filter((number) => number.voice_url);
  noNumber.hidden = callable.length > 0;
  keep(numbers, callable, (number) => number.number, ({ number }) => h("option", { value: number }, number), () => {});
}
