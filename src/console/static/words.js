// Owns how texts, names, numbers and times are written. The texts themselves are in texts/en.json.

import texts from "./texts.js";
import { h } from "./dom.js";

const language = texts.lang;

/** The text of this key, with its places filled in; for attributes and announcements. */
export function t(key, values = {}) {
  const text = texts[key];
  if (text === undefined) throw new Error(`there is no text ${key}`);
  return text.replace(/\{(\w+)\}/g, (place, name) => String(values[name] ?? place));
}

/** Whether there is such a text. */
export const has = (key) => key in texts;

/** The same as nodes, each value isolated, so that a name in another direction does not turn the sentence about. */
export function nodes(key, values = {}) {
  const parts = texts[key].split(/\{(\w+)\}/);
  const value = (given) => (Array.isArray(given) ? given : bdi(given));
  return parts.flatMap((part, place) => (place % 2 === 0 ? part : value(values[part] ?? ""))).filter((part) => part !== "");
}

/** A name on its own. */
export function bdi(text) {
  return h("bdi", /^\+?[\d ]+$/.test(text) ? { dir: "ltr", class: "number" } : {}, String(text));
}

/** `+1 555 010 0123`; other addresses as they are. */
export function address(text) {
  if (!/^\+\d{4,15}$/.test(text)) return text;
  const digits = text.slice(1);
  if (digits.startsWith("1") && digits.length === 11) {
    return `+1 ${digits.slice(1, 4)} ${digits.slice(4, 7)} ${digits.slice(7)}`;
  }
  const rest = digits.slice(2).replace(/(\d{3})(?=\d{2,})/g, "$1 ");
  return `+${digits.slice(0, 2)} ${rest}`;
}

/** What to call somebody: a name, or else the number. */
export const called = ({ name, address: at }) => name || address(at ?? "");

/** `03:12`, `1:03:12`. */
export function duration(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const rest = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return hours ? `${hours}:${rest}` : rest;
}

const clockTime = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const shortTime = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const longTime = new Intl.DateTimeFormat(language, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

/** `12:03:10` by the clock of whoever looks. */
export const atSecond = (ms) => clockTime.format(ms);

/** `12:03`, with the day if it is another one. */
export function atMinute(ms, now = Date.now()) {
  return new Date(ms).toDateString() === new Date(now).toDateString() ? shortTime.format(ms) : longTime.format(ms);
}

const conjunction = new Intl.ListFormat(language, { type: "conjunction" });

/** `Dana, Maria and music` as nodes, each name isolated. */
export const listed = (words) => conjunction.formatToParts(words).map(({ type, value }) => (type === "element" ? bdi(value) : value));

/** `MG` */
export function initials(name) {
  const letters = [...(name ?? "").trim().matchAll(/(?:^|[\s\-])(\p{L})/gu)].map(([, letter]) => letter.toLocaleUpperCase(language));
  // Two letters of a script that joins them would be another word.
  const isJoined = /\p{Script=Arabic}|\p{Script=Syriac}/u.test(letters[0] ?? "");
  return letters.length > 1 && !isJoined ? letters[0] + letters.at(-1) : (letters[0] ?? "");
}

/** The same hue for the same name, wherever. */
export function hue(name) {
  let sum = 5381;
  for (const letter of name ?? "") sum = (Math.imul(sum, 33) ^ letter.codePointAt(0)) >>> 0;
  return (((sum >>> 7) ^ sum) >>> 0) % 6;
}

/** The words of a disposition; a site's own words are made readable. */
export function disposition(word) {
  if (has(`disposition.${word}`)) return t(`disposition.${word}`);
  const words = word.replaceAll("_", " ");
  return words.charAt(0).toLocaleUpperCase(language) + words.slice(1);
}
