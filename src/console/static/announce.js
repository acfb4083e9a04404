// Owns what a screen reader is told: politely what changes, at once what cannot wait.

const KEPT_MS = 8_000;

function say(place, text) {
  const line = document.createElement("p");
  line.textContent = text;
  document.getElementById(place).append(line);
  setTimeout(() => line.remove(), KEPT_MS);
}

/** When there is a pause. */
export const polite = (text) => say("polite", text);

/** At once. */
export const assertive = (text) => say("assertive", text);
