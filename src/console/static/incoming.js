// Owns what a second agent sees of a transfer before they are in it: who asks, the customer, the style, and the note.

import { setSince, timer } from "./clock.js";
import { h, icon, setNodes, setText } from "./dom.js";
import { customerOf, mine } from "./state.js";
import { address, bdi, called, nodes, t } from "./words.js";

/** Whether this call is being brought to me and I have not joined. */
export function isIncoming(card) {
  const me = mine(card);
  return Boolean(me) && me.role === "second_agent" && ["calling", "ringing", "asked"].includes(me.state);
}

/** Who brings me in. */
export function asker(card) {
  return card.people.find(({ is_holder }) => is_holder) ?? card.people.find(({ role }) => role === "first_agent");
}

/** The transfer that rings me. */
const transferOf = (card) => card.transfer ?? card.transfers?.find(({ id }) => id === mine(card)?.transfer_id) ?? null;

/** The note, empty if there is none. */
export const noteOf = (card) => transferOf(card)?.briefing ?? "";

/** A card for it. */
export function makeIncoming() {
  const title = h("h2", {});
  const customer = h("p", { class: "soft" });
  const state = h("b", {});
  const clock = timer();
  const style = h("span", {});
  const note = h("p", { dir: "auto" });
  const noteTitle = h("h3", {});
  const element = h(
    "article",
    { class: "card incoming", tabindex: "-1" },
    h("div", { class: "head" }, h("span", { class: "bell" }, icon("bell")), h("div", {}, title, customer)),
    h("div", { class: "briefing" }, noteTitle, note),
    h("div", { class: "facts" }, state, style, clock),
  );
  const update = (card) => {
    const me = mine(card);
    const from = asker(card);
    const other = customerOf(card);
    const transfer = transferOf(card);
    element.dataset.ringing = String(me.state !== "asked");
    setNodes(title, nodes("incoming.title", { from: from ? called(from) : t("app.nobody") }));
    setNodes(customer, [...nodes("incoming.customer", { customer: called(other) }), ...(other.name ? [" · ", bdi(address(other.address))] : [])]);
    setText(state, t(`incoming.${me.state}`));
    setText(style, transfer ? t(`incoming.style.${transfer.style}`) : "");
    setSince(clock, me.since);
    setNodes(noteTitle, nodes("incoming.note_from", { from: from ? called(from) : "" }));
    setText(note, noteOf(card) || t("incoming.no_note"));
    note.classList.toggle("soft", !noteOf(card));
  };
  return { element, update };
}
