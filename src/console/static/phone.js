// Owns the choice of my phone: a number, a SIP address, and later this browser.

import { polite } from "./announce.js";
import { send } from "./api.js";
import { field, h, icon } from "./dom.js";
import { setMe, state } from "./state.js";
import { address, t } from "./words.js";

/** Opens the dialog; it closes when the service has taken the new phone. */
export function openPhone() {
  if (document.querySelector("dialog.phone")) return;
  const current = state.me?.address ?? "";
  const isSip = current.startsWith("sip:");
  const number = h("input", { type: "tel", autocomplete: "tel", dir: "ltr", value: isSip ? "" : address(current), maxlength: 255 });
  const sip = h("input", { type: "text", dir: "ltr", spellcheck: "false", autocapitalize: "none", value: isSip ? current : "", maxlength: 255 });
  const numberField = field(t("phone.number"), number, t("phone.number.hint"));
  const sipField = field(t("phone.sip"), sip, t("phone.sip.hint"));
  const problem = h("p", { class: "problem", role: "alert" });
  const kinds = ["number", "sip", "browser"].map((kind) => radio(kind, isSip ? "sip" : "number", choose));
  const dialog = h("dialog", { class: "phone", "aria-labelledby": "phone-title" });
  const save = h("button", { type: "submit", class: "button primary" }, t("phone.save"));

  function choose(kind) {
    numberField.hidden = kind !== "number";
    sipField.hidden = kind !== "sip";
  }

  async function submit(event) {
    event.preventDefault();
    problem.textContent = "";
    const wanted = numberField.hidden ? sip.value.trim() : number.value.trim();
    save.disabled = true;
    try {
      const body = { address: /^\+[\d\s().-]+$/.test(wanted) ? wanted.replace(/[^\d+]/g, "") : wanted };
      const answer = await send("PUT", "phone", body);
      const taken = answer?.address ?? body.address;
      setMe({ address: taken });
      dialog.close();
      polite(t("phone.label", { address: address(taken) }));
    } catch (error) {
      problem.textContent = error.message;
    }
    save.disabled = false;
  }

  dialog.append(
    h("div", { class: "head" }, h("div", {}, h("h2", { id: "phone-title" }, t("phone.title")), h("p", { class: "hint" }, t("phone.lead"))),
      h("button", { type: "button", class: "icon-button", "aria-label": t("app.close"), onclick: () => dialog.close() }, icon("close"))),
    h("form", { class: "stack", novalidate: true, onsubmit: submit },
      h("fieldset", { class: "stack" }, h("legend", { class: "unseen" }, t("phone.title")), kinds),
      numberField, sipField, problem,
      h("div", { class: "row end" }, h("button", { type: "button", class: "button", onclick: () => dialog.close() }, t("app.cancel")), save)),
  );
  choose(isSip ? "sip" : "number");
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  (isSip ? sip : number).focus();
}

function radio(kind, current, choose) {
  const id = `phone-kind-${kind}`;
  const isLater = kind === "browser";
  const input = h("input", { type: "radio", name: "phone-kind", id, disabled: isLater, checked: kind === current, onchange: () => choose(kind) });
  return h("div", { class: "choice" }, input, h("label", { for: id }, t(`phone.kind.${kind}`)), isLater ? h("span", { class: "hint" }, t("phone.kind.browser.hint")) : null);
}
