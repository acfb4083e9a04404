// Owns the debugger's log: errors and warnings as Twilio's console would show them, newest first.

import { h, time } from "./dom.js";
import { state } from "./state.js";

const MOST_SHOWN = 300;
const panel = document.getElementById("panel-debugger");
const list = h("ul", { class: "log" });
const none = h("p", { class: "empty" }, "Nothing to complain about.");
panel.append(none, list);

export function drawDebugger() {
  none.hidden = state.debugger.length > 0;
  list.replaceChildren(...state.debugger.slice(-MOST_SHOWN).reverse().map(entry));
}

function entry({ at_ms, code, level, call_sid, url, message }) {
  const about = [call_sid, url].filter(Boolean).join(" · ");
  return h("li", { class: `entry ${level === "error" ? "error" : "warning"}` },
    h("span", { class: "time" }, time(at_ms)),
    h("span", { class: "level" }, level === "error" ? "Error" : "Warning"),
    h("a", { href: `https://www.twilio.com/docs/api/errors/${Number(code)}`, rel: "noreferrer noopener", target: "_blank" }, String(code)),
    h("span", { class: "message" }, message),
    about ? h("span", { class: "about" }, about) : null);
}
