// Owns the transfer panel: whom, how, with what note, and what happens if they do not answer. The call stays in sight.

import { polite } from "./announce.js";
import { send } from "./api.js";
import { combo, optionOf } from "./combo.js";
import { field, h, icon, keep, setNodes, setText } from "./dom.js";
import { refreshRecent } from "./recent.js";
import { presenceWords } from "./roster.js";
import { customerOf, state } from "./state.js";
import { called, nodes, t } from "./words.js";

const STYLES = ["with_customer", "private_first", "blind"];
const RINGS = ["in_turn", "together"];

let open = null;

/** The panel for this call; in the page's place for it. Opened again, it goes on with what was typed. */
export function openTransfer(card, failed, returnTo, place = document.getElementById("panel")) {
  if (open?.id === card.id) {
    if (failed) open.prefill(failed);
    return open.focus();
  }
  open?.close();
  open = panel(card, returnTo ?? document.activeElement);
  place.replaceChildren(open.element);
  if (failed) open.prefill(failed);
  open.focus();
}

/** What the panel shows follows the call: it closes when no transfer can be started any more. */
export function updateTransfer(calls) {
  if (!open) return;
  const card = calls.get(open.id);
  if (!card || !card.can.includes("transfer")) return open.close();
  open.update(card);
}

/** Closes the panel if it is open. */
export const closeTransfer = () => open?.close();

function radios(name, values, current, make, onChange) {
  return values.map((value) => {
    const input = h("input", { type: "radio", name, value, checked: value === current, id: `${name}-${value}` });
    input.addEventListener("change", onChange);
    return make(value, input);
  });
}

function panel(first, returnTo) {
  let card = first;
  const { settings } = state;
  const problem = h("p", { class: "problem", role: "alert" });
  const title = h("h2", { id: "transfer-title" }, t("transfer.title"));
  const lead = h("p", { class: "unseen" });
  const chooser = combo({ onChange: showAll, onEnter: submit });
  const hints = new Map(STYLES.map((style) => [style, h("span", { class: "hint" })]));
  const styles = radios("transfer-style", STYLES, settings.style, (style, input) => h("label", { class: "style-option" }, input, h("b", {}, t(`style.${style}`)), hints.get(style)), showAll);
  const note = h("textarea", { maxlength: 1000, rows: 2, dir: "auto", placeholder: t("transfer.note.placeholder") });
  const noteField = field("", note, t("transfer.note.hint"));
  const accept = h("input", { type: "checkbox", id: "transfer-accept", checked: settings.require_accept });
  const rings = h(
    "fieldset",
    { class: "field", hidden: true },
    h("legend", { class: "label" }, t("transfer.ring")),
    h("div", { class: "segmented" }, radios("transfer-ring", RINGS, "in_turn", (ring, input) => h("label", {}, input, t(`transfer.ring.${ring}`)), showAll)),
  );
  const warnings = h("div", { class: "stack" });
  const otherwise = h("p", { class: "else" });
  const go = h("button", { type: "submit", class: "button warm big", "aria-keyshortcuts": "Control+Enter" }, icon("transfer"), h("span"));
  const form = h(
    "form",
    { class: "stack", novalidate: true },
    chooser.element,
    warnings,
    rings,
    h("fieldset", { class: "field" }, h("legend", { class: "label" }, t("transfer.style")), h("div", { class: "styles" }, styles)),
    noteField,
    h("div", { class: "choice" }, accept, h("label", { for: "transfer-accept" }, t("transfer.accept")), h("span", { class: "hint" }, t("transfer.accept.hint"))),
    otherwise,
    h("div", { class: "panel-foot" }, problem, go),
  );
  const element = h(
    "section",
    { class: "panel", role: "dialog", "aria-labelledby": "transfer-title", tabindex: "-1" },
    h("div", { class: "panel-head" }, h("div", {}, title, lead), h("button", { type: "button", class: "icon-button", "aria-label": t("app.close"), onclick: () => close() }, icon("close"))),
    form,
  );
  let isBusy = false;

  const value = (name) => form.querySelector(`input[name="${name}"]:checked`)?.value;

  function elseWords(customer) {
    const style = value("transfer-style");
    // A site may have phones rung once more.
    const secs = settings.ring_timeout_secs * (settings.target_fails === "try_again" ? 2 : 1);
    const blind = settings.blind_fails === "goodbye" ? "blind.goodbye" : "blind";
    const key = { with_customer: "together", private_first: "private", blind }[style];
    const inTurn = chooser.chosen.length > 1 && value("transfer-ring") === "in_turn" ? [...nodes("transfer.else.in_turn", { secs }), " "] : [];
    return [h("b", {}, t("transfer.else")), ...inTurn, ...nodes(`transfer.else.${key}`, { secs, customer })];
  }

  function showAll() {
    const customer = called(customerOf(card));
    const { chosen } = chooser;
    const name = chosen.length === 1 ? chosen[0].name : t("transfer.second");
    setNodes(lead, nodes("transfer.lead", { customer }));
    for (const [style, hint] of hints) setNodes(hint, nodes(`style.${style}.hint`, { customer, second: name }));
    setNodes(noteField.firstElementChild, nodes("transfer.note", { second: name }));
    rings.hidden = chosen.length < 2;
    const away = chosen.map(({ to }) => state.team.get(to.replace(/^agent:/, ""))).filter((member) => member && member.presence !== "available");
    keep(warnings, away, (member) => `${member.name}${member.presence}`, (member) =>
      h("p", { class: "notice", "data-tone": "amber" }, icon("clock"), h("span", { class: "grow" }, nodes("transfer.unavailable", { name: member.display_name, presence: presenceWords(member).toLocaleLowerCase() }))),
    );
    warnings.hidden = away.length === 0;
    setNodes(otherwise, elseWords(customer));
    const many = chosen.length > 1 ? nodes("transfer.submit.many", { count: chosen.length }) : [t("transfer.submit")];
    setNodes(go.lastElementChild, chosen.length === 1 ? nodes("transfer.submit.to", { name }) : many);
  }

  async function submit(event) {
    event?.preventDefault();
    if (isBusy) return;
    problem.textContent = "";
    if (chooser.chosen.length === 0) {
      setText(problem, t("transfer.none"));
      return chooser.input.focus();
    }
    const to = chooser.chosen.map((option) => option.to);
    const body = { to: to.length === 1 ? to[0] : to, style: value("transfer-style"), require_accept: accept.checked };
    if (to.length > 1) body.ring = value("transfer-ring");
    if (note.value.trim()) body.briefing = note.value.trim();
    isBusy = true;
    go.setAttribute("aria-busy", "true");
    go.setAttribute("aria-disabled", "true");
    try {
      await send("POST", `calls/${card.id}/transfer`, body);
      polite(t("transfer.started"));
      close();
      refreshRecent();
    } catch (error) {
      setText(problem, error.message);
    }
    isBusy = false;
    go.removeAttribute("aria-busy");
    go.removeAttribute("aria-disabled");
  }

  function close() {
    const hadFocus = element.contains(document.activeElement) || document.activeElement === document.body;
    element.remove();
    open = null;
    if (!hadFocus) return;
    const back = returnTo?.isConnected ? returnTo : document.querySelector(`.call[data-key="${CSS.escape(card.id)}"] .call-bar button, .call .call-bar button`);
    (back ?? document.getElementById("main")).focus({ preventScroll: true });
  }

  form.addEventListener("submit", submit);
  element.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      event.stopPropagation();
      close();
    }
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit(event);
  });
  chooser.show();
  showAll();
  return {
    id: card.id,
    element,
    close,
    focus() {
      chooser.input.focus({ preventScroll: true });
      if (matchMedia("(max-width: 62rem)").matches) element.scrollIntoView({ block: "start" });
    },
    prefill(failed) {
      const legs = failed.to?.length ? failed.to : [failed.leg_id];
      const people = legs.map((leg) => card.people.find(({ leg_id }) => leg_id === leg)).filter(Boolean);
      form.querySelector(`input[name="transfer-style"][value="${failed.style}"]`).checked = true;
      note.value = failed.briefing ?? "";
      accept.checked = Boolean(failed.require_accept);
      chooser.choose(people.map(optionOf));
    },
    update(now) {
      card = now;
      chooser.show();
      showAll();
    },
  };
}
