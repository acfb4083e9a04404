// Owns the conferences: who is there, and who hears whom.

import { h, hearing, keep, setText } from "./dom.js";
import { state } from "./state.js";

const cards = document.getElementById("conferences");
const none = document.getElementById("no-conferences");

export function drawConferences() {
  none.hidden = state.conferences.length > 0;
  keep(cards, state.conferences, (room) => room.conference_sid, makeCard, updateCard);
}

function makeCard(room) {
  return h("li", { class: "card conference" },
    h("div", { class: "card-head" }, h("h3", {}, room.name), h("span", { class: "badge" })),
    h("ul", { class: "members" }));
}

function updateCard(card, room) {
  setText(card.querySelector(".badge"), room.status === "init" ? "Waits to start" : "In progress");
  card.dataset.state = room.status === "init" ? "idle" : "busy";
  const makeMember = () => h("li", { class: "member" },
    h("span", { class: "address" }), h("span", { class: "marks" }), h("span", { class: "hears" }));
  keep(card.querySelector(".members"), room.members, (member) => member.call_sid, makeMember, updateMember);
}

function updateMember(element, member) {
  setText(element.querySelector(".address"), member.label ? `${member.address} (${member.label})` : member.address);
  const marks = [
    !member.joined && "rings", member.muted && "muted", member.hold && "on hold",
    member.coaching && `coaches ${member.coaching}`, member.end_on_exit && "ends it",
  ].filter(Boolean);
  keep(element.querySelector(".marks"), marks, String, (mark) => h("span", { class: "mark" }, mark), () => {});
  const heard = element.querySelector(".hears");
  setText(heard, member.joined ? hearing(member.hears) : "");
  heard.classList.toggle("dead", member.joined && member.hears?.length === 0);
}
