// Owns the frame of every page: connection, presence, phone, theme, shortcuts help, and the banner.

import { assertive, polite } from "./announce.js";
import { send } from "./api.js";
import { setAvatar } from "./avatar.js";
import { local } from "./clock.js";
import { h, icon, setAttr, setText } from "./dom.js";
import { areOn, onKey, switchKeys } from "./keys.js";
import { menu } from "./menu.js";
import { openPhone } from "./phone.js";
import { connect, setMe, state, watch } from "./state.js";
import { address, atMinute, atSecond, t } from "./words.js";

const PRESENCES = ["available", "busy", "wrap_up", "away"];
const THEMES = ["auto", "light", "dark"];
const $ = (id) => document.getElementById(id);

/** Shortcuts that this page has, for the list: groups of `[words, keys…]`. */
export const shortcuts = [
  ["keys.group.page", [["keys.presence", "P"], ["keys.phone", "I"], ["keys.help", "?"], ["keys.close", "Esc"]]],
];

let retry = () => {};

function showTheme() {
  const theme = localStorage.getItem("theme") ?? "auto";
  const button = $("theme-button");
  const words = t("theme.label", { theme: t(`theme.${theme}`) });
  button.replaceChildren(icon({ auto: "auto", light: "sun", dark: "moon" }[theme]));
  button.setAttribute("aria-label", words);
  button.title = words;
  button.hidden = false;
}

function nextTheme() {
  const theme = THEMES[(THEMES.indexOf(localStorage.getItem("theme") ?? "auto") + 1) % THEMES.length];
  if (theme === "auto") {
    localStorage.removeItem("theme");
    delete document.documentElement.dataset.theme;
  } else {
    localStorage.setItem("theme", theme);
    document.documentElement.dataset.theme = theme;
  }
  showTheme();
  polite(t("theme.label", { theme: t(`theme.${theme}`) }));
}

async function choosePresence(presence) {
  const { chosen: was } = state.me;
  setMe({ chosen: presence });
  try {
    await send("PUT", "presence", { presence });
  } catch (error) {
    setMe({ chosen: was });
    assertive(error.message);
    showBanner({ words: error.message, tone: "bad" });
  }
}

const presenceButton = h("button", { type: "button", class: "button quiet", "aria-keyshortcuts": "p", "aria-label": t("presence.menu") }, h("i", { class: "presence" }), h("span"));
const phoneButton = h("button", { type: "button", class: "button quiet", "aria-keyshortcuts": "i", "aria-label": t("phone.title") }, icon("phone"), h("span", { dir: "ltr" }));

function presenceItems(close) {
  return PRESENCES.map((presence) => {
    const choose = () => {
      close();
      choosePresence(presence);
    };
    return h(
      "button",
      { type: "button", role: "menuitemradio", "aria-checked": String(state.me?.chosen === presence), "data-presence": presence, onclick: choose },
      h("i", { class: "presence" }),
      h("span", {}, t(`presence.${presence}`)),
      h("span", { class: "tick" }, icon("check")),
      h("span", { class: "hint" }, t(`presence.${presence}.hint`)),
    );
  });
}

function showMe({ me, team }) {
  if (!me) return;
  const member = team.get(me.name);
  const isOnCall = Boolean(member?.on_call);
  // What was chosen is seen at once; a call, or one that is not written down, decides before it.
  const presence = isOnCall || me.presence === "wrap_up" ? me.presence : me.chosen;
  const words = t(isOnCall ? "presence.on_call" : `presence.${presence}`);
  presenceButton.dataset.presence = presence;
  setText(presenceButton.lastElementChild, words);
  setAttr(presenceButton, "aria-label", t("presence.label", { presence: words }));
  setText(phoneButton.lastElementChild, address(me.address ?? "–"));
  setAttr(phoneButton, "aria-label", t("phone.label", { address: address(me.address ?? "–") }));
  setAttr(phoneButton, "title", t("phone.title"));
}

let shown = "";

function showBanner(banner) {
  const element = $("banner");
  const words = banner?.words ?? "";
  if (shown === words) return;
  shown = words;
  element.hidden = !banner;
  element.dataset.tone = banner?.tone ?? "";
  element.replaceChildren(h("span", {}, words), ...(banner?.button ? [banner.button] : []));
}

let wasLost = false;

function showConnection({ connection, heardAt, isStale, staleSince, build }) {
  const element = $("connection");
  element.hidden = false;
  element.dataset.state = connection;
  setText(element, t(`connection.${connection}`));
  if (connection === "lost") {
    const words = heardAt ? t("connection.lost.since", { time: atSecond(heardAt) }) : t("connection.lost");
    showBanner({ words, tone: "bad", button: h("button", { type: "button", class: "button small", onclick: () => retry() }, t("connection.retry")) });
    wasLost = true;
    return;
  }
  if (connection !== "live") return;
  if (wasLost) polite(t("connection.back"));
  wasLost = false;
  const mine = document.querySelector('meta[name="build"]')?.content;
  if (isStale) showBanner({ words: t("connection.stale", { time: atSecond(local(Date.parse(staleSince))) }) });
  else if (mine && build && mine !== build) {
    showBanner({ words: t("app.reload"), button: h("button", { type: "button", class: "button small", onclick: () => location.reload() }, t("app.reload.do")) });
  } else showBanner(null);
}

function helpDialog() {
  const group = ([title, keys]) =>
    h(
      "section",
      {},
      h("h3", {}, t(title)),
      h("dl", {}, keys.map(([words, ...names]) => [h("dt", {}, t(words)), h("dd", {}, names.map((name) => h("kbd", {}, name)))])),
    );
  const dialog = h("dialog", { "aria-labelledby": "keys-title", class: "keys-dialog" });
  const toggle = h("input", { type: "checkbox", id: "keys-on", onchange: (event) => switchKeys(event.target.checked) });
  toggle.checked = areOn();
  dialog.append(
    h("div", { class: "head" }, h("div", {}, h("h2", { id: "keys-title" }, t("keys.title")), h("p", { class: "hint" }, t("keys.lead"))),
      h("button", { type: "button", class: "icon-button", "aria-label": t("app.close"), onclick: () => dialog.close() }, icon("close"))),
    h("div", { class: "shortcuts" }, shortcuts.map(group),
      h("div", { class: "choice" }, toggle, h("label", { for: "keys-on" }, t("keys.enabled")))),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/** Makes the frame live. */
export function start() {
  for (const element of document.querySelectorAll("[data-initials-of]")) setAvatar(element, element.dataset.initialsOf);
  for (const element of document.querySelectorAll("time[datetime]:not([data-when])")) setText(element, atMinute(Date.parse(element.dateTime)));
  for (const element of document.querySelectorAll("[data-address]")) setText(element, address(element.textContent));
  for (const element of document.querySelectorAll('[data-opens="phone"]')) {
    element.hidden = false;
    element.addEventListener("click", () => openPhone());
  }
  showTheme();
  $("theme-button").addEventListener("click", nextTheme);
  $("keys-button").hidden = false;
  $("keys-button").addEventListener("click", helpDialog);
  const presence = menu($("presence-tool"), presenceButton, t("presence.menu"), presenceItems);
  $("phone-tool").replaceChildren(phoneButton);
  phoneButton.addEventListener("click", () => openPhone());
  onKey("p", () => presence.open());
  onKey("i", () => openPhone());
  onKey("?", helpDialog);
  const account = document.querySelector(".account-menu");
  document.addEventListener("pointerdown", (event) => account.contains(event.target) || (account.open = false));
  account.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    account.open = false;
    account.querySelector("summary").focus();
  });
  watch((known) => {
    showMe(known);
    showConnection(known);
  });
  retry = connect();
}

// On a page that has no script of its own.
if (document.querySelector('script[src="/static/shell.js"]')) start();
