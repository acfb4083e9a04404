// Owns the making and keeping of elements. What comes from the wire becomes text, never markup.

const SVG = "http://www.w3.org/2000/svg";

function build(element, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(2).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** An element with attributes, listeners (`onclick`) and children; strings become text. */
export const h = (tag, props = {}, ...children) => build(document.createElement(tag), props, children);

/** The same in SVG. */
export const s = (tag, props = {}, ...children) => build(document.createElementNS(SVG, tag), props, children);

/** An icon of the sprite, for the eye only. */
export const icon = (name) => s("svg", { class: "icon", "aria-hidden": "true" }, s("use", { href: `/static/icons.svg#${name}` }));

/** Changes the icon within an element. */
export function setIcon(element, name) {
  const use = element.querySelector("use");
  const href = `/static/icons.svg#${name}`;
  if (use.getAttribute("href") !== href) use.setAttribute("href", href);
}

/** Changes a text only when it differs, so that screen readers and selections are left alone. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Changes an attribute only when it differs; null takes it away. */
export function setAttr(element, name, value) {
  if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}

/** Puts these nodes into the element unless it says the same already. */
export function setNodes(element, nodes) {
  const words = [nodes].flat().map((node) => (typeof node === "string" ? node : node.outerHTML)).join("");
  if (element.dataset.words === words) return;
  element.dataset.words = words;
  element.replaceChildren(...[nodes].flat());
}

/** Makes a parent's children those of `items`, keeping the elements that are there already, and with them the focus. */
export function keep(parent, items, key, make, update = () => {}) {
  const focused = document.activeElement;
  const known = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let place = parent.firstElementChild;
  for (const item of items) {
    const name = String(key(item));
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
  // An element that is moved loses the focus.
  if (focused !== document.activeElement && focused && parent.contains(focused)) focused.focus({ preventScroll: true });
}

let labels = 0;

/** A control with its label, and a place for an explanation. */
export function field(label, control, hint) {
  control.id ||= `field-${(labels += 1)}`;
  const explanation = hint ? h("span", { class: "hint", id: `${control.id}-hint` }, hint) : null;
  if (explanation) control.setAttribute("aria-describedby", explanation.id);
  return h("div", { class: "field" }, h("label", { for: control.id }, label), control, explanation);
}

/** Whether what is typed now belongs into a control. */
export function isTyping(element = document.activeElement) {
  if (!element) return false;
  if (element.isContentEditable || element.matches("textarea, select")) return true;
  return element.matches("input") && !["radio", "checkbox", "button", "submit"].includes(element.type);
}
