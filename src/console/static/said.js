// Owns what is announced when calls change: states politely, failures and incoming transfers at once.

import { assertive, polite } from "./announce.js";
import { asker, isIncoming, noteOf } from "./incoming.js";
import { isMe, stateWords } from "./people.js";
import { customerOf, isLive, mine } from "./state.js";
import { called, t } from "./words.js";

function ofPeople(card, was) {
  const known = new Map(was.people.map((person) => [person.leg_id, person]));
  for (const person of card.people) {
    const before = known.get(person.leg_id)?.state ?? "planned";
    if (before === person.state || person.state === "planned" || isMe(person)) continue;
    polite(t("said.state", { name: called(person), state: stateWords(person) }));
  }
}

function ofTransfers(card, was) {
  const known = new Map((was.transfers ?? []).map((transfer) => [transfer.id, transfer.status]));
  for (const transfer of card.transfers ?? []) {
    if (transfer.status === "failed" && known.get(transfer.id) !== "failed" && known.has(transfer.id)) assertive(t("transfer.failed", { reason: transfer.failure_detail ?? "" }));
  }
}

function ofIncoming(card, was) {
  if (!isIncoming(card) || (was && isIncoming(was))) return;
  const words = { from: called(asker(card) ?? {}), customer: called(customerOf(card)), note: noteOf(card) };
  assertive(t(words.note ? "said.incoming" : "said.incoming.no_note", words));
}

/** Says what has changed about my own calls. */
export function announceChanges(calls, before) {
  for (const card of calls.values()) {
    if (!mine(card)) continue;
    const was = before.get(card.id);
    ofIncoming(card, was);
    if (!was) continue;
    ofPeople(card, was);
    ofTransfers(card, was);
    if (isLive(was) && !isLive(card)) polite(t("said.ended", { customer: called(customerOf(card)) }));
  }
}
