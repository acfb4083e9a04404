// Owns the demo's side panel: everybody's phone, and what to press next.

import { h, keep, setNodes, setText } from "/static/dom.js";

const csrf = document.querySelector('meta[name="csrf-token"]').content;
const ROLES = { first_agent: "agent", customer: "customer", second_agent: "agent", third_agent: "agent", supervisor: "supervisor" };
const STATES = { idle: "idle", ringing: "ringing", talking: "on the line" };

async function post(path) {
  const response = await fetch(`/demo/${path}`, { method: "POST", headers: { "X-CSRF-Token": csrf } });
  if (!response.ok) setText(problem, (await response.json().catch(() => ({}))).detail ?? "That did not work.");
  else setText(problem, "");
  return response.ok;
}

/** As if it had been typed. */
function fillIn() {
  const number = document.getElementById("dial-number");
  number.value = fill.value;
  number.dispatchEvent(new Event("input", { bubbles: true }));
  number.focus();
}

async function become(name) {
  if (await post(`as/${name}`)) location.assign(name === "robin" ? "/board" : "/");
}

const problem = h("p", { class: "problem", role: "alert" });
const title = h("h3", {}, "One moment…");
const text = h("p", {});
const count = h("span", { class: "hint" });
const progress = h("progress", { "aria-label": "Steps of the story" });
const link = h("p", {});
const fill = h("button", { type: "button", class: "button small", onclick: fillIn, hidden: true }, "Fill it in");
const guide = h("section", { class: "card demo-guide", "aria-live": "polite", "aria-label": "What to press next" }, count, title, text, fill, link, progress);
const phones = h("div", { class: "demo-phones" });
const byThemselves = h("input", { type: "checkbox", id: "demo-hands", onchange: () => post(`hands/${byThemselves.checked ? "auto" : "manual"}`) });
const close = h("button", { type: "button", class: "button quiet small", onclick: () => show(false) }, "Hide");
const open = h("button", { type: "button", class: "button demo-open", onclick: () => show(true), hidden: true }, "Phones");
const panel = h(
  "aside",
  { class: "demo-panel", "aria-label": "Demo: everybody’s phones" },
  h("div", { class: "demo-head" }, h("h2", {}, "You play everybody"), close),
  guide,
  problem,
  phones,
  h("label", { class: "demo-hands", for: "demo-hands" }, byThemselves, "Phones answer by themselves"),
);

function show(isOpen) {
  document.body.classList.toggle("panel-closed", !isOpen);
  open.hidden = isOpen;
  sessionStorage.setItem("demo-panel", isOpen ? "open" : "closed");
  (isOpen ? close : open).focus({ preventScroll: true });
}

const button = (words, path, kind = "") => h("button", { type: "button", class: `button small ${kind}`, onclick: () => post(path) }, words);

function makePhone(phone) {
  const at = `phones/${encodeURIComponent(phone.address)}`;
  const parts = {
    state: h("span", { class: "chip" }),
    hears: h("p", { class: "hears" }),
    answer: button("Answer", `${at}/answer`, "primary"),
    decline: button("Decline", `${at}/decline`),
    hangUp: button("Hang up", `${at}/hang-up`, "danger"),
    one: button("Press 1", `${at}/1`),
    two: button("Press 2", `${at}/2`),
    see: phone.account ? h("button", { type: "button", class: "button small quiet", onclick: () => become(phone.account) }, `See as ${phone.name}`) : null,
  };
  const element = h(
    "section",
    { class: "card demo-phone", "aria-label": `${phone.name}’s phone` },
    h("div", { class: "demo-phone-head" }, h("b", {}, phone.name), h("span", { class: "soft" }, ROLES[phone.role]), parts.state),
    h("span", { class: "number", dir: "ltr" }, phone.address),
    parts.hears,
    h("div", { class: "row" }, parts.answer, parts.decline, parts.hangUp, parts.one, parts.two, parts.see),
  );
  element.parts = parts;
  return element;
}

function updatePhone(element, phone, state) {
  const { parts } = element;
  setText(parts.state, STATES[phone.state]);
  parts.state.className = `chip ${phone.state}`;
  parts.answer.hidden = parts.decline.hidden = phone.state !== "ringing";
  parts.hangUp.hidden = phone.state !== "talking";
  // Only whoever is asked something has anything to press.
  parts.one.hidden = parts.two.hidden = !(phone.state === "talking" && phone.hears.some((heard) => /press/i.test(heard)));
  if (parts.see) parts.see.hidden = phone.account === state.me;
  const hears = phone.hears.length ? `hears ${phone.hears.join(", ")}` : "hears nothing";
  setText(parts.hears, phone.state === "talking" ? hears : "");
  parts.hears.hidden = phone.state !== "talking";
  element.classList.toggle("turn", state.guide.phone === phone.address && phone.state !== "idle");
}

function update(state) {
  setText(count, `Step ${state.guide.step} of ${state.guide.of}`);
  setText(title, state.guide.title);
  setText(text, state.guide.text);
  setNodes(link, state.guide.link ? [h("a", { href: state.guide.link }, "Look at the whole call")] : []);
  // Where there is nothing to be called from, there is nothing to be filled in.
  fill.hidden = !state.guide.fill || !document.getElementById("dial-number");
  fill.value = state.guide.fill ?? "";
  progress.max = state.guide.of;
  progress.value = state.guide.step;
  byThemselves.checked = !state.is_manual;
  // Who is at rest and not in the story stands at the end.
  const shown = state.phones.filter((phone) => phone.state !== "idle" || !["third_agent"].includes(phone.role));
  keep(phones, shown, ({ address }) => address, makePhone, (element, phone) => updatePhone(element, phone, state));
}

document.head.append(h("link", { rel: "stylesheet", href: "/demo/panel.css" }));
document.body.append(panel, open);
document.body.classList.add("with-panel");
const isNarrow = matchMedia("(max-width: 60rem)").matches;
if (sessionStorage.getItem("demo-panel") === "closed" || (isNarrow && !sessionStorage.getItem("demo-panel"))) {
  document.body.classList.add("panel-closed");
  open.hidden = false;
}
new EventSource("/demo/stream").addEventListener("message", ({ data }) => update(JSON.parse(data)));
