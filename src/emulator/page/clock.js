// Owns emulated time: it is shown, and moved when it is virtual.

import { order } from "./api.js";
import { h, setText, time } from "./dom.js";
import { now, state } from "./state.js";

const STEPS = [["1 s", 1_000], ["5 s", 5_000], ["30 s", 30_000], ["5 min", 300_000]];

const place = document.getElementById("clock");
const shown = h("span", { class: "time" });
const note = h("span", { class: "hint" });
const buttons = h("span", { class: "steps" }, STEPS.map(([text, ms]) =>
  h("button", { type: "button", "aria-label": `Advance by ${text}`, onclick: () => order("POST", "clock", { advance_ms: ms }) }, `+${text}`)));
place.append(shown, note, buttons);

export function drawClock() {
  const virtual = state.clock.mode === "virtual";
  const ms = now();
  setText(shown, virtual ? time(ms) : time(ms).split(".")[0]);
  const speed = state.clock.speed;
  setText(note, virtual ? "virtual" : speed === 1 ? "" : `×${speed}`);
  buttons.hidden = !virtual;
}
