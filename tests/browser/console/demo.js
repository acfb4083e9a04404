// Owns the demo's story in Chromium: one person plays two agents and a customer in one window, as the side panel says. Given
// one line of JSON on standard input (`base`, `chromium`), and perhaps a folder for a picture; leaves with 0 when all is well.

import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import { open, step } from "./windows.js";

const given = JSON.parse((await createInterface({ input: process.stdin })[Symbol.asyncIterator]().next()).value);
const browser = await open(given);
const window = await browser.window("demo", { width: 1440, height: 900 });
const { page } = window;

const phone = (name) => page.getByRole("region", { name: `${name}’s phone` });
const press = (name, button) => phone(name).getByRole("button", { name: button, exact: true }).click();
const hears = (name, words) => phone(name).locator(".hears", { hasText: words }).waitFor();
const guided = (title) => page.locator(".demo-guide h3", { hasText: title }).waitFor();
const bar = (name) => page.locator(".call-bar").getByRole("button", { name });

async function callsTheCustomer() {
  step("the address that the demo prints opens Alice's page, with everybody's phone beside it");
  await page.goto("/demo");
  await guided("Call a customer");
  await window.looksRight("demo");
  await page.getByRole("button", { name: "Fill it in" }).click();
  await page.keyboard.press("Enter");
  await guided("Alice’s phone rings");
  await press("Alice", "Answer");
  await guided("Now the customer’s phone rings");
  await hears("Alice", "ringing");
  await press("Customer", "Answer");
  await guided("They talk");
  await hears("Customer", "hears Alice");
}

async function bringsDanaIn() {
  step("the warm transfer, with a note that Dana sees before she picks up");
  await page.keyboard.press("t");
  await page.locator("#panel").getByText("Dana", { exact: true }).first().click();
  await page.locator("#panel textarea").first().fill("Wants the annual plan.");
  await page.locator("#panel textarea").first().press("Control+Enter");
  await guided("Dana’s phone rings");
  await hears("Customer", "hears Alice");
  await page.getByRole("button", { name: "See as Dana" }).click();
  await page.locator("#incoming", { hasText: "Wants the annual plan." }).waitFor();
  await window.looksRight("Dana's side of the demo", [1440]);
  await press("Dana", "Answer");
  await guided("Dana is there");
  await hears("Customer", /Alice.*Dana|Dana.*Alice/);
  await page.getByRole("button", { name: "See as Alice" }).click();
}

async function handsOver() {
  step("Alice hands over, and the customer goes on with Dana");
  await bar("Hand over").waitFor();
  if (given.picture) await page.screenshot({ path: given.picture });
  await bar("Hand over").click();
  await guided("The customer is with Dana");
  await hears("Customer", /^hears Dana$/);
  await press("Customer", "Hang up");
  await guided("That was a warm transfer");
  await page.getByRole("link", { name: "Look at the whole call" }).click();
  await page.getByRole("heading", { level: 1 }).waitFor();
  assert.match(page.url(), /\/calls\/[0-9a-f-]{36}$/);
  await guided("That was a warm transfer");
  await window.looksRight("the call's page in the demo", [1440]);
}

await callsTheCustomer();
await bringsDanaIn();
await handsOver();
assert.deepEqual(window.complaints, []);
await browser.close();
process.exit(0);
