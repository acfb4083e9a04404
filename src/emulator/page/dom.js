// Owns the making and keeping of elements. What comes from the wire becomes text, never markup.

/** An element with attributes, listeners (`onclick`) and children; strings become text. */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** Changes a text only when it differs, so that screen readers and selections are left alone. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Makes a parent's children those of `items`, keeping the elements that are there already, and with them the focus. */
export function keep(parent, items, key, make, update) {
  const known = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let place = parent.firstElementChild;
  for (const item of items) {
    const name = key(item);
    let element = known.get(name);
    known.delete(name);
    if (!element) {
      element = make(item);
      element.dataset.key = name;
    }
    if (element === place) place = place.nextElementSibling;
    else parent.insertBefore(element, place);
    update(element, item);
  }
  for (const gone of known.values()) gone.remove();
}

let labels = 0;

/** A control with its label, and a place for an explanation. */
export function field(label, control, hint) {
  control.id ||= `field-${(labels += 1)}`;
  const explanation = hint ? h("span", { class: "hint", id: `${control.id}-hint` }, hint) : null;
  if (explanation) control.setAttribute("aria-describedby", explanation.id);
  return h("div", { class: "field" }, h("label", { for: control.id }, label), control, explanation);
}

/** A `<select>` of `[value, text]` pairs. */
export function select(options, props = {}) {
  return h("select", props, options.map(([value, text]) => h("option", { value }, text)));
}

/** `1:02.345` */
export function time(ms) {
  const minutes = Math.floor(ms / 60000);
  return `${minutes}:${String(Math.floor(ms / 1000) % 60).padStart(2, "0")}.${String(ms % 1000).padStart(3, "0")}`;
}

/** What somebody hears, in words; null is somebody who is not connected. */
export function hearing(hears) {
  if (!hears) return "";
  if (hears.length === 0) return "hears nothing";
  const words = { music: "music", ringing: "ringing", tone: "a tone" };
  const one = (heard) => (heard.kind === "person" ? heard.who : heard.kind === "speech" ? `“${heard.text}”` : words[heard.kind]);
  return `hears ${hears.map(one).join(", ")}`;
}
