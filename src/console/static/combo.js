// Owns the search for whom to transfer to: a combobox over the team, recent numbers and what is typed; several may be chosen.

import { polite } from "./announce.js";
import { avatar } from "./avatar.js";
import { h, icon, keep, setAttr } from "./dom.js";
import { recent } from "./recent.js";
import { colleagues, presenceWords } from "./roster.js";
import { state } from "./state.js";
import { address, bdi, t } from "./words.js";

const MOST = 10;
const MOST_RECENT = 5;

const typed = (query) => /^(\+[\d\s().-]{4,}|sip:\S+@\S+|client:\S+)$/.test(query);
const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLocaleLowerCase();

/** What fits the query, in groups. Each option: `to` as the API takes it, `name`, and what else is shown. */
function options(query) {
  const wanted = plain(query.trim());
  const digits = wanted.replace(/\D/g, "");
  const team = colleagues()
    .filter((member) => plain(`${member.display_name} ${member.name}`).includes(wanted))
    .map((member) => ({ group: "team", to: `agent:${member.name}`, name: member.display_name, member }));
  const isAgent = new Set(team.map(({ to }) => to));
  const lately = recent()
    .filter(({ to, name }) => !isAgent.has(to) && !to.startsWith("agent:") && (plain(name ?? "").includes(wanted) || (digits.length > 1 && to.includes(digits))))
    .slice(0, MOST_RECENT)
    .map(({ to, name }) => ({ group: "recent", to, name: name || address(to), detail: name ? address(to) : "" }));
  const number = query.trim();
  const free = typed(number) ? [{ group: "typed", to: /^\+/.test(number) ? number.replace(/[^\d+]/g, "") : number, name: address(number), isNew: true }] : [];
  return [...free, ...team, ...lately];
}

/** The combobox. `onChange(chosen)` after each change; `onEnter()` when Enter is pressed with nothing typed. */
export function combo({ onChange, onEnter }) {
  let chosen = [];
  let active = -1;
  let shown = [];
  /** The list folds up when somebody has been chosen, and unfolds when one types or goes down. */
  let isFolded = false;
  const input = h("input", {
    type: "text", id: "transfer-to", role: "combobox", "aria-expanded": "true", "aria-controls": "transfer-options", "aria-autocomplete": "list", autocomplete: "off", spellcheck: "false", dir: "auto",
    placeholder: t("transfer.search"), "aria-describedby": "transfer-to-hint", maxlength: 255,
  });
  const chips = h("ul", { class: "chosen", "aria-label": t("transfer.to") });
  const box = h("div", { class: "options", role: "listbox", id: "transfer-options", "aria-label": t("transfer.options"), "aria-multiselectable": "true", tabindex: "-1" });
  const empty = h("p", { class: "empty", hidden: true, role: "status" });
  const hint = h("span", { class: "unseen", id: "transfer-to-hint" }, t("transfer.search.hint"));
  const element = h("div", { class: "combo" }, h("label", { class: "label", for: "transfer-to" }, t("transfer.to")), chips, input, hint, box, empty);

  const isChosen = (option) => chosen.some(({ to }) => to === option.to);

  function optionElement(option) {
    const { member } = option;
    const face = avatar(member || !option.isNew ? option.name : "");
    const name = option.isNew ? t("transfer.typed", { number: option.name }) : option.name;
    const who = h("span", { class: "who" }, h("span", {}, bdi(name)), option.detail ? h("small", {}, bdi(option.detail)) : null);
    const side = h("span", { class: "state" });
    const line = h("div", { class: "option", role: "option" }, face, who, side);
    line.addEventListener("pointerdown", (event) => event.preventDefault());
    line.addEventListener("click", () => toggle(line.option));
    return line;
  }

  function updateOption(line, option) {
    line.option = option;
    line.id = `transfer-option-${shown.indexOf(option)}`;
    setAttr(line, "aria-selected", String(isChosen(option)));
    setAttr(line, "data-active", shown.indexOf(option) === active ? "true" : null);
    setAttr(line, "data-presence", option.member?.presence);
    const side = line.lastElementChild;
    const words = option.member ? presenceWords(option.member) : "";
    if (side.dataset.says !== `${words}${isChosen(option)}`) {
      side.dataset.says = `${words}${isChosen(option)}`;
      side.replaceChildren(...(isChosen(option) ? [h("span", { class: "tick" }, icon("check"))] : []), ...(option.member ? [h("i", { class: "presence" }), words] : []));
    }
  }

  function show() {
    const query = input.value;
    shown = options(query);
    active = Math.min(active, shown.length - 1);
    if (query.trim() && active < 0 && shown.length) active = 0;
    keep(box, shown, ({ to, isNew }) => `${to}${isNew ?? ""}`, optionElement, updateOption);
    setAttr(input, "aria-activedescendant", active >= 0 ? `transfer-option-${active}` : null);
    setAttr(input, "aria-expanded", String(shown.length > 0 && !isFolded));
    box.hidden = shown.length === 0 || isFolded;
    empty.hidden = shown.length > 0;
    empty.textContent = shown.length ? "" : query.trim() ? t("transfer.none_found", { query: query.trim() }) : t("team.empty");
    box.querySelector('[data-active="true"]')?.scrollIntoView({ block: "nearest" });
    keep(chips, chosen, ({ to }) => to, chip);
  }

  function chip(option) {
    const take = () => {
      toggle(option);
      input.focus();
    };
    return h("li", {}, bdi(option.name), h("button", { type: "button", class: "icon-button small", "aria-label": t("transfer.remove", { name: option.name }), onclick: take }, icon("close")));
  }

  function toggle(option) {
    if (isChosen(option)) {
      chosen = chosen.filter(({ to }) => to !== option.to);
      polite(t("transfer.removed", { name: option.name }));
    } else if (chosen.length === MOST) {
      polite(t("transfer.too_many"));
    } else {
      chosen = [...chosen, option];
      polite(t("transfer.chosen", { name: option.name }));
    }
    input.value = "";
    active = -1;
    isFolded = chosen.length > 0;
    show();
    onChange(chosen);
  }

  function onKeydown(event) {
    if (event.isComposing || event.ctrlKey || event.metaKey) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") isFolded = false;
    if (event.key === "ArrowDown") active = shown.length ? (active + 1) % shown.length : -1;
    else if (event.key === "ArrowUp") active = shown.length ? (active - 1 + shown.length) % shown.length : -1;
    else if (event.key === "Enter" && active < 0) onEnter();
    else if (event.key === "Enter") toggle(shown[active]);
    else if (event.key === "Backspace" && !input.value && chosen.length) toggle(chosen.at(-1));
    else return;
    event.preventDefault();
    show();
  }

  input.addEventListener("keydown", onKeydown);
  input.addEventListener("click", () => {
    isFolded = false;
    show();
  });
  input.addEventListener("input", () => {
    active = -1;
    isFolded = false;
    show();
  });
  return {
    element,
    input,
    show,
    /** Chooses these from the start. */
    choose(options) {
      chosen = options;
      active = -1;
      isFolded = chosen.length > 0;
      show();
      onChange(chosen);
    },
    get chosen() {
      return chosen;
    },
  };
}

/** How somebody on a call is given to a transfer again. */
export function optionOf(person) {
  const to = person.agent ? `agent:${person.agent}` : person.address;
  return { to, name: person.name || address(person.address), member: state.team.get(person.agent) };
}
