// Owns requests to the service: the token against forgery, one idempotency key a press, repeats, and failures in words.

import { t } from "./words.js";

const TRIES = 3;
const WAIT_MS = 600;

/** What the service has refused, or that it did not answer; the message is for people. */
export class Refusal extends Error {
  constructor(message, code, problem = {}) {
    super(message);
    this.code = code;
    this.problem = problem;
  }
}

const csrf = () => document.querySelector('meta[name="csrf-token"]').content;
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** A new name for one press of one button. `randomUUID` is for secure contexts only. */
function press() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Sends it, and again with the same key if nobody answered: it has no second effect. Gives what was answered. */
export async function send(method, path, body) {
  const headers = { "X-CSRF-Token": csrf(), Accept: "application/json" };
  if (method === "POST") headers["Idempotency-Key"] = press();
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const request = { method, headers, body: body === undefined ? undefined : JSON.stringify(body) };
  for (let tried = 1; ; tried += 1) {
    try {
      return await answer(await fetch(`/console/${path}`, request));
    } catch (error) {
      if (error instanceof Refusal && error.code !== "unavailable") throw error;
      if (tried === TRIES) throw error instanceof Refusal ? error : new Refusal(t("error.offline"), "offline");
      await pause(WAIT_MS * tried);
    }
  }
}

/** Asks; a question that is not of interest any more is given up by its signal. */
export async function ask(path, signal) {
  return answer(await fetch(`/console/${path}`, { headers: { Accept: "application/json" }, signal }));
}

async function answer(response) {
  const text = await response.text();
  let json = null;
  try {
    json = text ? JSON.parse(text) : null;
  } catch {
    // A proxy's page, perhaps.
  }
  if (response.ok) return json;
  if (response.status === 401) {
    logIn();
    throw new Refusal(t("error.session"), "unauthorized");
  }
  const code = [502, 503, 504].includes(response.status) ? "unavailable" : json?.code;
  throw new Refusal(json?.detail ?? json?.title ?? t("error.unknown", { status: response.status }), code, json ?? {});
}

/** To the log-in page, and back here afterwards. */
export function logIn() {
  location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
}
