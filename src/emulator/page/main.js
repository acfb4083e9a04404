// Owns the page as a whole: messages in, each part drawn again when what it shows has changed.

import { order } from "./api.js";
import { drawAudibility } from "./audibility.js";
import { drawClock } from "./clock.js";
import { drawConferences } from "./conferences.js";
import { drawDebugger } from "./debugger.js";
import { drawFaults } from "./faults.js";
import { setText } from "./dom.js";
import { buildForms, drawNumbers } from "./forms.js";
import { drawLadder, showNewest } from "./ladder.js";
import { drawPhones } from "./phones.js";
import { apply, state } from "./state.js";
import { follow } from "./stream.js";
import { drawSwitches } from "./switches.js";
import { buildTabs } from "./tabs.js";

/** What each part shows. */
const PARTS = [
  [drawPhones, ["phones"]],
  [drawNumbers, ["numbers"]],
  [drawConferences, ["conferences"]],
  [drawLadder, ["timeline", "request", "webhook", "twiml"]],
  [drawAudibility, ["audibility", "clock"]],
  [drawDebugger, ["debugger"]],
  [drawFaults, ["faults"]],
  [drawSwitches, ["switches"]],
  [drawClock, ["clock"]],
];
const CONNECTION = { connecting: "Connecting", live: "Live", lost: "Reconnecting" };

let changed = new Set();

function draw() {
  const names = changed;
  changed = new Set();
  setText(document.getElementById("account"), state.account);
  for (const [part, shows] of PARTS) if (shows.some((name) => names.has(name))) part();
}

function take(name, data) {
  if (changed.size === 0) requestAnimationFrame(draw);
  for (const part of apply(name, data)) changed.add(part);
}

function connection(name) {
  const element = document.getElementById("connection");
  element.dataset.state = name;
  setText(element, CONNECTION[name]);
}

buildTabs(() => {
  if (!state.clock) return;
  drawAudibility();
  showNewest();
});
buildForms();
document.getElementById("reset").addEventListener("click", () => order("POST", "reset"));
// The last span and the clock grow while nothing happens, as long as that is known.
setInterval(() => {
  const live = document.getElementById("connection").dataset.state === "live";
  if (!live || document.hidden || state.clock?.mode !== "real") return;
  drawClock();
  drawAudibility();
}, 1_000);
follow(take, connection);
