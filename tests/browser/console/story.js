// Owns the console's story in Chromium: two agents in two windows, a supervisor and an administrator in others, with the real
// service and the emulator. Given one line of JSON on standard input; it prints `kill` when it wants the service killed and
// started again, and leaves with 0 when all is well.

import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import { open, phones, step } from "./windows.js";

const ALICE = "+15550100101";
const DANA = "+15550100102";
const SAM = "+15550100109";
const CUSTOMER = "+15550100123";
const MARKUP = "<img src=x onerror=alert(1)><b>bold</b>";
const NOTE = `Wants the annual plan ${MARKUP}`;

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const given = JSON.parse((await lines.next()).value);
const browser = await open(given);
const phone = phones(given.emulator);
const [alice, dana, sam, root] = await Promise.all(["alice", "dana", "sam", "root"].map((name) => browser.window(name)));
const everybody = [alice, dana, sam, root];

const bar = (window, name) => window.page.locator(".call-bar").getByRole("button", { name });
const person = (window, name) => window.page.locator(".person", { has: window.page.locator(".name", { hasText: name }) });
const says = (window, name, words) => person(window, name).filter({ hasText: words }).waitFor();

async function loggedIn() {
  step("whoever is not logged in is sent to the door, and back to where they wanted to go");
  await alice.page.goto("/account");
  assert.match(alice.page.url(), /\/login\?next=/);
  await alice.looksRight("login");
  alice.tolerate(/401/);
  await alice.page.getByLabel("Name").fill("alice");
  await alice.page.getByLabel("Password").fill("wrong");
  await alice.page.keyboard.press("Enter");
  await alice.until("#problem", "do not fit");
  await alice.looksRight("login refused");
  alice.tolerate(null);
  await alice.page.getByLabel("Password").fill(given.password);
  await alice.page.keyboard.press("Enter");
  await alice.page.waitForURL("**/account");
  await alice.looksRight("account");
  await alice.page.goto("/");
  for (const window of [dana, sam, root]) await window.logIn();
  for (const address of [ALICE, DANA, SAM, CUSTOMER]) await phone.behave(address, "manual");
}

async function becomeAvailable(window) {
  await window.page.keyboard.press("p");
  await window.page.getByRole("menuitemradio", { name: /^Available/ }).click();
  await window.page.getByRole("button", { name: "My presence: Available" }).waitFor();
}

async function presenceIsSeen() {
  step("presence is chosen by keyboard, and the colleague sees it");
  await becomeAvailable(dana);
  await becomeAvailable(alice);
  await alice.until('.member[data-presence="available"]', "Dana");
  await alice.looksRight("idle");
}

/** From the number to two people talking. */
async function called() {
  step("a number is checked as it is typed, and called");
  const { page } = alice;
  await page.keyboard.press("n");
  await page.keyboard.type("+1 555 010 0123");
  await alice.until("#dial-check", "may be called");
  await page.keyboard.press("Enter");
  await alice.until(".call", "Pick up your phone");
  await phone.answer(ALICE);
  await phone.answer(CUSTOMER);
  await says(alice, "+1 555 010 0123", "hears you");
  await phone.hears(CUSTOMER, ALICE);
}

/** The panel, by keyboard alone. */
async function transferTo(style) {
  const { page } = alice;
  await page.keyboard.press("t");
  await alice.until(".panel", "Warm transfer");
  await page.keyboard.type("da");
  await page.keyboard.press("Enter");
  await alice.until(".chosen", "Dana");
  if (style) await page.getByRole("radio", { name: style }).check();
  await page.getByLabel(/^Note for Dana/).fill(NOTE);
}

async function handedOver() {
  step("a transfer with the customer: the note is there before the phone is picked up");
  await transferTo("Together");
  await alice.looksRight("transfer panel");
  await alice.page.keyboard.press("Control+Enter");
  await alice.until(".panel", undefined, "detached");
  await dana.until(".incoming", "Alice brings you into a call");
  await dana.until(".incoming .briefing", NOTE);
  await dana.until("#assertive", NOTE, "attached");
  assert.match(await dana.page.title(), /^Incoming/);
  await dana.looksRight("incoming");
  await says(alice, "Dana", "ringing");
  await phone.answer(DANA);
  await says(alice, "Dana", "talking");
  await phone.hears(CUSTOMER, ALICE, DANA);
  await says(alice, "+1 555 010 0123", /hears (you and Dana|Dana and you)/);
  assert.equal(await dana.page.locator(".incoming").count(), 0, "who has joined sees the call's card");
  assert.equal(await bar(dana, "Hand over").count(), 0, "the second agent does not hand over what they do not hold");
  await alice.looksRight("three people");

  step("a refresh in the middle, and a second tab, show the same");
  await alice.page.reload();
  await says(alice, "Dana", "talking");
  const tab = await alice.context.newPage();
  await tab.goto("/");
  await tab.locator(".person", { hasText: "Second agent" }).filter({ hasText: "talking" }).waitFor();
  await tab.close();

  step("muted by the key, and unmuted");
  await alice.page.keyboard.press("m");
  await says(alice, "Alice", "muted");
  await phone.hears(CUSTOMER, DANA);
  await alice.page.keyboard.press("m");
  await says(alice, "Alice", "talking");
  await phone.hears(CUSTOMER, ALICE, DANA);

  step("the hand-over: the two others go on");
  await alice.page.keyboard.press("o");
  await alice.until("#earlier", "You handed");
  await phone.hears(CUSTOMER, DANA);
  await says(dana, "+1 555 010 0123", "hears you");
}

async function writtenDown() {
  step("hang up asks once more while the customer is there");
  await bar(dana, "Hang up").click();
  await dana.until("#assertive", "Press again", "attached");
  await phone.hears(CUSTOMER, DANA);
  await dana.page.keyboard.press("Escape");
  await phone.hangUp(CUSTOMER);

  step("what came of it is written down");
  await dana.until("#wrap-up", "How did it go");
  await dana.looksRight("wrap-up");
  await dana.page.getByRole("button", { name: "Save outcome" }).click();
  await dana.until("#wrap-up .problem", "Choose an outcome");
  await dana.page.getByText("Sale", { exact: true }).click();
  await dana.page.getByLabel("Notes").fill(MARKUP);
  await dana.page.getByRole("button", { name: "Save outcome" }).click();
  await dana.until("#wrap-up", undefined, "hidden");
}

async function refused() {
  step("declined: said in words and at once, and both are together again");
  await called();
  await transferTo("Together");
  await alice.page.getByRole("button", { name: "Transfer to Dana" }).click();
  await dana.until(".incoming");
  await phone.decline(DANA);
  await alice.until(".call .notice", "Dana");
  await alice.until("#assertive", "Dana", "attached");
  await phone.hears(CUSTOMER, ALICE);
  await dana.until(".incoming", undefined, "detached");
  await alice.looksRight("a transfer that failed");

  step("tried again with what was typed before, and cancelled while it rings");
  await alice.page.getByRole("button", { name: "Try again" }).click();
  await alice.until(".chosen", "Dana");
  assert.equal(await alice.page.getByLabel(/^Note for Dana/).inputValue(), NOTE);
  await alice.page.keyboard.press("Control+Enter");
  await dana.until(".incoming");
  await bar(alice, "Cancel").click();
  await dana.until(".incoming", undefined, "detached");
  await bar(alice, "Warm transfer").waitFor();
  await phone.hears(CUSTOMER, ALICE);
}

async function held() {
  step("hold and resume, by the same key");
  await bar(alice, "Hold").waitFor();
  await alice.page.keyboard.press("h");
  await says(alice, "+1 555 010 0123", "on hold");
  await phone.hears(CUSTOMER, "music");
  await alice.page.keyboard.press("h");
  await says(alice, "+1 555 010 0123", "talking");
  await phone.hears(CUSTOMER, ALICE);
}

async function privately() {
  step("privately first: the customer hears music, then all come together");
  await transferTo("Privately first");
  await alice.page.keyboard.press("Control+Enter");
  await dana.until(".incoming", "You talk privately first");
  await phone.answer(DANA);
  await alice.until(".call", "Agents talk privately");
  await phone.hears(CUSTOMER, "music");
  await phone.hears(DANA, ALICE);
  await alice.looksRight("private talk");

  step("the service is killed and started again in the middle; nothing is lost, and the page says so honestly");
  for (const window of everybody) window.tolerate(/ERR_|Failed to load/);
  const lost = alice.until("#banner", "What you see is as of");
  console.log("kill");
  await lost;
  assert.ok(await person(alice, "Dana").filter({ hasText: "talking" }).isVisible(), "what was known is still shown");
  assert.equal((await lines.next()).value, "restarted");
  await alice.until("#banner", undefined, "hidden");
  await dana.until("#banner", undefined, "hidden");
  await alice.until(".call", "Agents talk privately");
  for (const window of everybody) window.tolerate(null);
  await phone.hears(CUSTOMER, "music");

  await alice.page.keyboard.press("j");
  await alice.until(".call", "Everybody together");
  await phone.hears(CUSTOMER, ALICE, DANA);
}

async function supervised() {
  step("the board shows the call, and its card");
  await sam.page.goto("/board");
  await sam.until(".call-row", "+1 555 010 0123");
  await sam.until("#numbers", "Transfers");
  await sam.looksRight("board", [1280, 320, 3840]);
  await sam.page.keyboard.press("ArrowDown");
  await sam.page.keyboard.press("Enter");
  await says(sam, "Dana", "talking");
  await sam.looksRight("board with a card");
  step("the supervisor listens, coaches and leaves; the customer hears nothing of it");
  await sam.page.keyboard.press("l");
  await sam.until(".supervise", "Your phone rings");
  await phone.answer(SAM);
  await says(sam, "Sam", "listening");
  await phone.hears(SAM, ALICE, CUSTOMER, DANA);
  await phone.hears(CUSTOMER, ALICE, DANA);
  assert.equal(await person(alice, "Sam").count(), 0, "agents do not see who listens unless they are to");
  await sam.page.keyboard.press("k");
  await says(sam, "Sam", "coaching");
  await phone.hears(ALICE, CUSTOMER, DANA, SAM);
  await phone.hears(CUSTOMER, ALICE, DANA);
  await sam.page.getByRole("button", { name: "Leave", exact: true }).click();
  await person(sam, "Sam").waitFor({ state: "detached" });
  step("the supervisor takes the second agent out");
  await bar(sam, "Remove").click();
  await alice.until(".call-bar", "Warm transfer");
  await alice.until(".earlier-line", "Dana (left)");
  await phone.hears(CUSTOMER, ALICE);
  await sam.page.keyboard.press("Escape");
  await sam.until("#panel .call", undefined, "detached");
}

async function blindly() {
  step("leaving at once: the customer hears music until the colleague is there");
  await transferTo("Leave at once");
  await alice.page.keyboard.press("Control+Enter");
  await dana.until(".incoming", "The customer waits for you");
  await phone.hears(CUSTOMER, "music");
  await phone.answer(DANA);
  await phone.hears(CUSTOMER, DANA);
  await says(dana, "+1 555 010 0123", "hears you");
  await bar(dana, "Hang up").click();
  await dana.page.getByRole("button", { name: "Press again to hang up" }).click();
  await dana.until("#wrap-up", "How did it go");
  await sam.until("#rows-empty", "No live calls");
  await sam.looksRight("empty board");
}

async function history() {
  step("what was said in a call can be read afterwards");
  await sam.page.goto("/calls");
  await sam.until("table.calls", "+1 555 010");
  await sam.looksRight("history");
  await sam.page.locator("table.calls tbody a").first().click();
  await sam.until(".bars", "");
  await sam.page.locator(".ladder a.message").first().focus();
  await sam.page.keyboard.press("ArrowDown");
  await sam.page.keyboard.press("Enter");
  await sam.until("details.particulars[open][data-current=true]", "As curl");
  await sam.looksRight("a call");
  await sam.page.goto("/board");
}

async function accounts() {
  step("an administrator adds somebody, whose name stays text");
  const { page } = root;
  await page.goto("/team");
  await page.getByLabel("Name", { exact: true }).fill("eve");
  await page.getByLabel("Display name").fill(MARKUP);
  await page.getByLabel("Phone", { exact: true }).fill("+1 555 010 0107");
  await page.getByRole("button", { name: "Add" }).click();
  const password = await page.locator(".secret code").textContent();
  await root.looksRight("team");
  const eve = await browser.window("eve");
  await eve.page.goto("/login");
  await eve.page.getByLabel("Name").fill("eve");
  await eve.page.getByLabel("Password").fill(password);
  await eve.page.keyboard.press("Enter");
  await eve.until(".member", "Dana");
  await alice.until(".member", MARKUP);
  everybody.push(eve);

  step("a new phone is taken, and shown");
  await eve.page.keyboard.press("i");
  await eve.looksRight("phone dialog");
  await eve.page.getByLabel("Number", { exact: true }).fill("+1 555 010 0106");
  await eve.page.getByRole("button", { name: "Use this phone" }).click();
  await eve.page.getByRole("button", { name: "My phone: +1 555 010 0106" }).waitFor();
  await eve.page.keyboard.press("?");
  await eve.until("dialog", "Keyboard shortcuts");
  await eve.looksRight("shortcuts");
  await eve.page.keyboard.press("Escape");

  step("who is disabled is out");
  eve.tolerate(/401/);
  await page.getByRole("row", { name: /eve/ }).getByRole("button", { name: /^Disable/ }).click();
  await eve.page.waitForURL("**/login**");
}

try {
  await loggedIn();
  await presenceIsSeen();
  await called();
  await handedOver();
  await writtenDown();
  await refused();
  await held();
  await privately();
  await supervised();
  await blindly();
  await history();
  await accounts();
  assert.deepEqual(everybody.flatMap(({ complaints }) => complaints), [], "the consoles are silent");
} finally {
  if (given.shots) await Promise.all(everybody.map(({ page }, place) => page.screenshot({ path: `${given.shots}/${place}.png` }).catch(() => {})));
  await browser.close();
}
process.exit(0);
