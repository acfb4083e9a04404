// Owns the tabs: one panel is shown, arrow keys move between them.
// https://www.w3.org/WAI/ARIA/apg/patterns/tabs/

const tabs = [...document.querySelectorAll('[role="tab"]')];

let shown = () => {};

function choose(chosen) {
  for (const tab of tabs) {
    const selected = tab === chosen;
    tab.setAttribute("aria-selected", String(selected));
    tab.tabIndex = selected ? 0 : -1;
    document.getElementById(tab.getAttribute("aria-controls")).hidden = !selected;
  }
  shown();
}

function move(event) {
  const at = tabs.indexOf(event.target);
  const steps = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 };
  if (at < 0 || !(event.key in steps)) return;
  event.preventDefault();
  const next = tabs[(steps[event.key] + tabs.length) % tabs.length];
  choose(next);
  next.focus();
}

/** `onShow` is told when another panel is shown. */
export function buildTabs(onShow) {
  choose(tabs[0]);
  shown = onShow;
  for (const tab of tabs) tab.addEventListener("click", () => choose(tab));
  document.getElementById("tabs").addEventListener("keydown", move);
}
