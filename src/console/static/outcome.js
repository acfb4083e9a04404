// Owns the form after a call: what came of it, and notes.

import { polite } from "./announce.js";
import { send } from "./api.js";
import { field, h, setNodes, setText } from "./dom.js";
import { customerOf, state } from "./state.js";
import { called, disposition, duration, nodes, t } from "./words.js";

/** How the call ended, in a sentence. */
export function endWords(card) {
  if (card.end_detail) return card.end_detail;
  if (card.end_reason === "hung_up") return card.ended_by ? t(`ended.by.${card.ended_by}`) : "";
  return card.end_reason ? t(`ended.${card.end_reason}`) : "";
}

/** The form. `onLater(card)` puts it away. */
export function makeOutcome({ onLater }) {
  let card = null;
  const title = h("h2", {});
  const lead = h("p", { class: "hint" });
  const problem = h("p", { class: "problem", role: "alert" });
  const notes = h("textarea", { maxlength: 4000, rows: 3, dir: "auto" });
  const choices = h("div", { class: "dispositions" });
  const save = h("button", { type: "submit", class: "button primary" }, t("outcome.save"));
  const later = h("button", { type: "button", class: "button quiet", onclick: () => onLater(card) }, t("outcome.later"));
  const form = h(
    "form",
    { class: "stack", novalidate: true },
    h("fieldset", { class: "field" }, h("legend", { class: "label" }, t("outcome.disposition")), choices),
    field(t("outcome.notes"), notes, t("outcome.notes.hint")),
    problem,
    h("div", { class: "row end" }, later, save),
  );
  const element = h("article", { class: "card wrap", tabindex: "-1" }, h("div", {}, title, lead), form);

  async function submit(event) {
    event.preventDefault();
    problem.textContent = "";
    const chosen = form.querySelector("input:checked")?.value;
    if (!chosen) {
      setText(problem, t("outcome.missing"));
      return choices.querySelector("input")?.focus();
    }
    save.disabled = true;
    try {
      await send("PUT", `calls/${card.id}/outcome`, { disposition: chosen, notes: notes.value.trim() || null });
      polite(t("outcome.saved", { disposition: disposition(chosen) }));
      onLater(card, chosen);
    } catch (error) {
      setText(problem, error.message);
    }
    save.disabled = false;
  }

  form.addEventListener("submit", submit);
  form.addEventListener("keydown", (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && submit(event));
  const update = (now) => {
    card = now;
    const customer = called(customerOf(card));
    element.setAttribute("aria-label", t("outcome.title", { customer }));
    setNodes(title, nodes("outcome.title", { customer }));
    const lasted = card.connected_at && card.ended_at ? duration(Date.parse(card.ended_at) - Date.parse(card.connected_at)) : "00:00";
    setText(lead, [t("outcome.lead", { duration: lasted, ended: endWords(card) }), card.outcome_missing ? t("outcome.required") : ""].join(" ").trim());
    later.hidden = Boolean(state.settings.outcome_required);
    if (choices.childElementCount) return;
    choices.append(...state.settings.dispositions.map((word) => h("label", { class: "disposition" }, h("input", { type: "radio", name: `outcome-${card.id}`, value: word }), disposition(word))));
  };
  return { element, update };
}
