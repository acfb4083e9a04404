// Owns the connection: server-sent events read by fetch, as EventSource hears neither heartbeats nor a 401; and an honest
// word about whether they come. Nothing is resumed: each connection begins with a snapshot.

import { logIn } from "./api.js";

/** The service says something at least every ten seconds. */
const SILENCE_MS = 25_000;
/** After a sleep, or when the network is back, that old is suspicious. */
const DOUBT_MS = 12_000;
const FIRST_WAIT_MS = 1_000;
const LAST_WAIT_MS = 5_000;

/** Follows the stream for ever. `onEvent(name, data)`; `onState("connecting" | "live" | "lost", heardAt)`. Gives `retry`. */
export function follow(onEvent, onState) {
  let heardAt = 0;
  let startedAt = 0;
  let attempt = 0;
  let connection = new AbortController();
  let waiting = null;

  async function connect() {
    clearTimeout(waiting);
    connection.abort();
    const own = new AbortController();
    connection = own;
    startedAt = Date.now();
    try {
      const response = await fetch("/console/stream", { signal: own.signal, headers: { Accept: "text/event-stream" }, cache: "no-store" });
      if (response.status === 401) return logIn();
      if (!response.ok) throw new Error(`the stream answered ${response.status}`);
      await read(response.body, own.signal);
    } catch {
      // Whatever broke, it is the same to whoever looks: nothing comes.
    }
    // Another connection may have taken the place of this one.
    if (own === connection) lost();
  }

  async function read(body, signal) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    const parse = parser((name, data) => {
      onEvent(name, data);
      if (name !== "snapshot") return;
      attempt = 0;
      onState("live", heardAt);
    });
    for (;;) {
      const { value, done } = await reader.read();
      if (done || signal.aborted) return;
      heardAt = Date.now();
      parse(value);
    }
  }

  function lost() {
    onState("lost", heardAt);
    const wait = Math.min(LAST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt);
    attempt += 1;
    waiting = setTimeout(connect, wait * (0.75 + Math.random() / 2));
  }

  function retry() {
    attempt = 0;
    connect();
  }

  function check() {
    if (document.visibilityState === "visible" && Date.now() - heardAt > DOUBT_MS) retry();
  }

  onState("connecting", 0);
  connect();
  setInterval(() => Date.now() - Math.max(heardAt, startedAt) > SILENCE_MS && connection.abort(), 1_000);
  document.addEventListener("visibilitychange", check);
  addEventListener("online", check);
  addEventListener("pageshow", (event) => event.persisted && retry());
  return retry;
}

/** A reader of `text/event-stream`: takes pieces of text, calls with each event's name and parsed data. */
export function parser(onEvent) {
  let rest = "";
  return (piece) => {
    rest += piece;
    const blocks = rest.split(/\r?\n\r?\n/);
    rest = blocks.pop();
    for (const block of blocks) {
      let name = "message";
      const data = [];
      for (const line of block.split(/\r?\n/)) {
        if (line.startsWith("event:")) name = line.slice(6).trim();
        else if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
      }
      if (data.length) onEvent(name, JSON.parse(data.join("\n")));
    }
  };
}
