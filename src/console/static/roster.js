// Owns the list of the team with everybody's presence.

import { avatar } from "./avatar.js";
import { timer } from "./clock.js";
import { h, keep, setNodes, setText } from "./dom.js";
import { state } from "./state.js";
import { bdi, t } from "./words.js";

const ORDER = { available: 0, wrap_up: 1, busy: 2, away: 3 };

/** Who may be rung: present first, then by name. */
export function colleagues(withMe = false) {
  const shown = [...state.team.values()].filter((member) => !member.disabled && (withMe || member.name !== state.me?.name));
  return shown.sort((one, other) => (ORDER[one.presence] ?? 9) - (ORDER[other.presence] ?? 9) || one.display_name.localeCompare(other.display_name));
}

/** A presence in words. */
export const presenceWords = (member) => t(`presence.${member.on_call ? "on_call" : member.presence}`);

function make(member) {
  const face = avatar(member.display_name);
  face.append(h("i", { class: "presence" }));
  return h("li", { class: "member" }, face, h("div", { class: "who" }, h("b", {}, bdi(member.display_name)), h("small", {}, h("span"), " · ", timer(member.since))));
}

function update(element, member) {
  element.dataset.presence = member.presence;
  const [name, line] = element.lastElementChild.children;
  setNodes(name, [bdi(member.display_name)]);
  setText(line.firstElementChild, presenceWords(member));
  const since = line.lastElementChild;
  since.dataset.since = Date.parse(member.since);
}

/** Keeps the list in the page up to date. */
export function showRoster(withMe) {
  const members = colleagues(withMe);
  const element = document.getElementById("team-list");
  keep(element, members, ({ name }) => name, make, update);
  document.getElementById("team-empty").hidden = members.length > 0;
  setText(document.getElementById("team-count"), members.length ? t("team.available", { count: members.filter(({ presence }) => presence === "available").length }) : "");
}
