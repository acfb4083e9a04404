// Owns what is shown of one entry of the timeline: its fields, its request and answer, and the document the leg ran.

import { h, time } from "./dom.js";
import { state } from "./state.js";

/** Fills the place, and gives it the focus; Escape closes it. */
export function showDetails(place, entry, onClose) {
  const title = h("h3", { tabindex: "-1" }, entry.kind ? entry.kind.replaceAll("_", " ") : "refused request");
  place.replaceChildren(
    h("div", { class: "card-head" }, title, h("button", { type: "button", onclick: onClose }, "Close", h("kbd", { "aria-hidden": "true" }, "Esc"))),
    fields(Object.entries({ ...entry, at_ms: time(entry.at_ms) }).filter(([name]) => !["form", "kind", "number"].includes(name))),
    ...requests(entry), ...webhooks(entry), ...document_(entry));
  place.onkeydown = (event) => { if (event.key === "Escape") onClose(); };
  place.hidden = false;
  title.focus({ preventScroll: true });
  place.scrollIntoView({ block: "nearest" });
}

const fields = (pairs) => h("dl", {}, pairs.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value === null ? "—" : String(value))]));

const section = (title, ...children) => h("section", {}, h("h4", {}, title), ...children);

const code = (text) => h("pre", { class: "code", tabindex: "0", "aria-label": "Document" }, text);

function requests(entry) {
  const request = entry.kind ? entry.kind === "rest_request" && state.request.find((r) => r.event === entry.index) : entry;
  return request && request.form.length > 0 ? [section("Parameters", fields(request.form))] : [];
}

function webhooks(entry) {
  if (!entry.webhook) return [];
  const answered = state.webhook.filter((webhook) => String(webhook.id) === entry.webhook);
  if (answered.length === 0) return [section("Webhook", h("p", { class: "empty" }, "Not answered, or never sent."))];
  return answered.flatMap((webhook) => [
    section("Answer", fields([
      ["status", webhook.status], ["content type", webhook.content_type], ["took", `${webhook.duration_ms} ms (real)`], ["attempts", webhook.attempts],
    ]), webhook.body ? code(webhook.body) : h("p", { class: "empty" }, "No body.")),
    section("Request", fields([["sent to", `${webhook.method} ${webhook.url}`], ...webhook.params])),
  ]);
}

/** The document that the leg ran last, unless it is the answer above. */
function document_(entry) {
  if (!entry.call_sid || entry.webhook) return [];
  const ran = state.twiml.findLast((document) => document.call_sid === entry.call_sid && document.at_ms <= entry.at_ms);
  if (!ran) return [];
  return [section("Document the leg ran", fields([["from", ran.url ?? "the REST request"], ["since", time(ran.at_ms)], ["role", ran.role]]), code(ran.twiml))];
}
