// Owns the connection: messages in, and an honest word about whether they come.

import { MESSAGES } from "./state.js";

/** After a refusal the browser does not try again by itself. */
const AGAIN_MS = 2_000;

/** Follows the stream for ever. */
export function follow(onMessage, onState) {
  const source = new EventSource("/emulator/stream");
  onState("connecting");
  source.onopen = () => onState("live");
  source.onerror = () => {
    onState("lost");
    if (source.readyState === EventSource.CLOSED) setTimeout(() => follow(onMessage, onState), AGAIN_MS);
  };
  for (const name of MESSAGES) {
    source.addEventListener(name, (event) => onMessage(name, JSON.parse(event.data)));
  }
}
