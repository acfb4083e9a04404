// Owns what the page asks of the control API, and how a refusal is told.

const notice = document.getElementById("notice");
let fading;

/** Shows a sentence until another one, or ten seconds, have come. */
export function tell(sentence) {
  notice.textContent = sentence;
  notice.hidden = false;
  clearTimeout(fading);
  fading = setTimeout(() => (notice.hidden = true), 10_000);
}

/** Sends JSON; the refusal in words, or null when it was done. */
export async function ask(method, path, body) {
  try {
    const response = await fetch(`/emulator/${path}`, {
      method,
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body ?? {}),
    });
    if (response.ok) return null;
    const refusal = await response.json();
    return refusal.field ? `${refusal.field}: ${refusal.message}` : refusal.message;
  } catch {
    return "The emulator does not answer.";
  }
}

/** Sends JSON and tells of a refusal; whether it was done. */
export async function order(method, path, body) {
  const refusal = await ask(method, path, body);
  if (refusal) tell(refusal);
  else notice.hidden = true;
  return refusal === null;
}

/** The path of one phone. */
export const phonePath = (address, action) => `phones/${encodeURIComponent(address)}${action ? `/${action}` : ""}`;
