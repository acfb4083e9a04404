// Owns what a supervisor has more on a card: listen, coach and barge in, by their own phone.

import { send } from "./api.js";
import { h, icon, setAttr, setText } from "./dom.js";
import { isMe } from "./people.js";
import { isOn } from "./state.js";
import { t } from "./words.js";

const MODES = [["listen", "ear", "L"], ["coach", "coach", "K"], ["barge", "barge", "B"]];

/** The keys, for the list of shortcuts. */
export const SUPERVISE_KEYS = MODES.map(([mode, , key]) => [`action.${mode}`, key]);

function make(holder) {
  const problem = h("p", { class: "problem", role: "alert" });
  const status = h("p", { class: "hint", role: "status" });
  let card = null;

  async function ask(button, path, body) {
    if (button.getAttribute("aria-busy") === "true") return;
    problem.textContent = "";
    button.setAttribute("aria-busy", "true");
    try {
      await send("POST", `calls/${card.id}/${path}`, body);
    } catch (error) {
      setText(problem, error.message);
    }
    button.removeAttribute("aria-busy");
  }

  const buttons = MODES.map(([mode, sign, key]) => {
    const element = h("button", { type: "button", class: "button", title: t(`action.${mode}.hint`), "aria-keyshortcuts": key.toLowerCase() }, icon(sign), h("span", {}, t(`action.${mode}`)), h("kbd", { class: "key", "aria-hidden": "true" }, key));
    element.addEventListener("click", () => ask(element, "supervise", { mode }));
    element.dataset.mode = mode;
    return element;
  });
  const leave = h("button", { type: "button", class: "button danger" }, icon("leave"), h("span", {}, t("action.supervise.end")));
  leave.addEventListener("click", () => ask(leave, "supervise/end"));
  holder.className = "supervise";
  holder.append(h("h3", {}, t("supervise.title")), h("div", { class: "modes" }, buttons), status, problem, h("div", { class: "row" }, leave));
  return (now) => {
    card = now;
    const me = card.people.find((person) => person.role === "supervisor" && isMe(person) && isOn(person));
    holder.hidden = !me && !card.can.includes("supervise");
    for (const button of buttons) setAttr(button, "aria-pressed", String(me?.mode === button.dataset.mode));
    leave.hidden = !me;
    setText(status, !me ? "" : me.state === "calling" || me.state === "ringing" ? t("supervise.phone") : t(`action.${me.mode ?? "listen"}.hint`));
  };
}

/** Fills in and updates a card's place for it. */
export function supervise(holder, card) {
  holder.update ??= make(holder);
  holder.update(card);
}
