// Owns New call: the check as one types, the guard's reasons, the call itself, and recent numbers.

import { polite } from "./announce.js";
import { ask, send } from "./api.js";
import { avatar } from "./avatar.js";
import { h, icon, keep } from "./dom.js";
import { refreshRecent, watchRecent } from "./recent.js";
import { address, atMinute, bdi, nodes, t } from "./words.js";

const THINK_MS = 250;
const SHORTEST = 5;
const $ = (id) => document.getElementById(id);

let asked = null;
let checked = null;
let isBusy = false;

function say(tone, sign, lines) {
  const box = $("dial-check");
  box.dataset.tone = tone;
  box.replaceChildren(...lines.map((line, place) => h("p", {}, place === 0 ? icon(sign) : h("span", { class: "icon" }), h("span", { class: "grow" }, line))));
}

function clear() {
  $("dial-check").replaceChildren();
  checked = null;
}

/** Asks what the guard would say of what is typed; a later question makes an earlier one void. */
async function check(number) {
  asked?.abort();
  asked = new AbortController();
  try {
    const answer = await ask(`check?number=${encodeURIComponent(number)}`, asked.signal);
    checked = { typed: number, ...answer };
    if (answer.valid) say("green", "check", [h("span", {}, nodes("dial.ready", { number: address(answer.number ?? number) }))]);
    else say("red", "alert", answer.reasons.length ? answer.reasons : [t("dial.refused")]);
  } catch (error) {
    if (error.name === "AbortError") return;
    say("soft", "clock", [t("dial.unknown")]);
  }
}

let thinking = null;

function onInput() {
  const number = $("dial-number").value.trim();
  clearTimeout(thinking);
  if (number.replace(/\D/g, "").length < SHORTEST && !number.includes("@")) {
    asked?.abort();
    return clear();
  }
  thinking = setTimeout(() => check(number), THINK_MS);
}

async function onSubmit(event) {
  event.preventDefault();
  if (isBusy) return;
  const input = $("dial-number");
  const typed = input.value.trim();
  if (!typed) {
    say("red", "alert", [t("dial.empty")]);
    return input.focus();
  }
  const customer = checked?.typed === typed && checked.number ? checked.number : /^\+[\d\s().-]+$/.test(typed) ? typed.replace(/[^\d+]/g, "") : typed;
  const button = $("dial-submit");
  isBusy = true;
  clearTimeout(thinking);
  asked?.abort();
  button.setAttribute("aria-busy", "true");
  button.setAttribute("aria-disabled", "true");
  try {
    await send("POST", "calls", { customer });
    input.value = "";
    clear();
    polite(t("dial.placed", { number: address(customer) }));
    refreshRecent();
  } catch (error) {
    say("red", "alert", [error.message]);
    input.focus();
  }
  isBusy = false;
  button.removeAttribute("aria-busy");
  button.removeAttribute("aria-disabled");
}

function recentElement({ to, name, at }) {
  const use = () => {
    const input = $("dial-number");
    input.value = address(to);
    input.focus();
    onInput();
  };
  const line = name ? h("small", {}, bdi(address(to))) : h("small", {}, h("time", { datetime: at }, atMinute(Date.parse(at))));
  return h("li", {}, h("button", { type: "button", onclick: use }, avatar(name || ""), h("span", { class: "who" }, h("span", {}, bdi(name || address(to))), line)));
}

/** Makes the form live. */
export function startDial() {
  $("dial-number").addEventListener("input", onInput);
  $("dial-form").addEventListener("submit", onSubmit);
  watchRecent((all) => {
    // Colleagues are reached by a transfer, not by a call.
    const numbers = all.filter(({ to }) => !to.startsWith("agent:")).slice(0, 6);
    $("recent-empty").hidden = numbers.length > 0;
    $("recent-list").hidden = numbers.length === 0;
    keep($("recent-list"), numbers, ({ to }) => to, recentElement);
  });
  refreshRecent();
}

/** Puts the cursor there. */
export function focusDial() {
  $("dial-number").focus();
  $("dial-number").select();
}
