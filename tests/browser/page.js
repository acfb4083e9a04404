// Owns the test of the emulator's page in Chromium. Given one line of JSON on standard input (`base`, `app`, `account`, `token`,
// `chromium`), it drives the page and leaves with 0 when all is well; it prints `restart` when it wants the emulator restarted.

import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import axe from "axe-core";
import { chromium } from "playwright-core";

const AGENT = "+15550100001";
const SECOND = "+15550100002";
const NUMBER = "+15550100000";
const MARKUP = "<img src=x onerror=alert(1)>";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const given = JSON.parse((await lines.next()).value);
const browser = await chromium.launch({
  executablePath: given.chromium,
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});
const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
page.setDefaultTimeout(20_000);

// A violation of the content security policy is a console error too.
const complaints = [];
let tolerated = null;
page.on("pageerror", (error) => complaints.push(String(error)));
page.on("console", (message) => {
  if (message.type() === "error" && !tolerated?.test(message.text())) complaints.push(message.text());
});

const step = (words) => console.error(`page: ${words}`);
const of = (kind, address) => page.locator(kind, { has: page.locator(".address", { hasText: address }) });
const card = (address) => of(".phone", address);
const member = (address) => of(".member", address);
const tab = (name) => page.getByRole("tab", { name });
const until = (locator, state = "visible") => locator.waitFor({ state });

const control = async (method, path, body) => {
  const response = await fetch(`${given.base}/emulator/${path}`, { method, body: body && JSON.stringify(body) });
  return response.json();
};
const rest = async (path, form) => {
  const authorization = `Basic ${btoa(`${given.account}:${given.token}`)}`;
  const url = `${given.base}/2010-04-01/Accounts/${given.account}/${path}.json`;
  const response = await fetch(url, { method: "POST", headers: { authorization }, body: new URLSearchParams(form) });
  return { status: response.status, body: await response.json() };
};

/** Presses Tab until the element has the focus. */
async function tabTo(locator) {
  await until(locator);
  for (let presses = 0; presses < 120; presses += 1) {
    if (await locator.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`the keyboard does not reach ${locator}`);
}

async function phonesRingAndAnswer() {
  step("a phone is added by its form, another by the control API");
  await tabTo(page.locator("summary", { hasText: "Add a phone" }));
  await page.keyboard.press("Enter");
  await tabTo(page.locator('#add-phone input[name="address"]'));
  await page.keyboard.type(AGENT);
  await page.keyboard.press("Enter");
  await until(card(AGENT));
  await control("PUT", `phones/${SECOND}`, { behaviour: "manual" });
  await until(card(SECOND));

  step("the first phone rings, aloud, and is answered with the keyboard");
  assert.equal((await rest("Calls", { To: AGENT, From: NUMBER, Url: `${given.app}/start` })).status, 201);
  await until(of('.phone[data-state="ringing"]', AGENT));
  await until(page.locator("#announcer", { hasText: `${AGENT} rings` }), "attached");
  await tabTo(card(AGENT).getByRole("button", { name: `Answer ${AGENT}` }));
  await page.keyboard.press("Enter");
  await until(card(AGENT).locator(".hears", { hasText: "press a key" }));

  step("a key is pressed on the keypad");
  await tabTo(card(AGENT).getByRole("button", { name: "Press 5" }));
  await page.keyboard.press("Enter");
  await until(page.locator(".conference", { hasText: "room-1" }));
}

async function conferenceShowsWhoHearsWhom() {
  step("the second phone is added, rings, and is answered by its shortcut");
  const added = await rest("Conferences/room-1/Participants", { From: NUMBER, To: SECOND, Label: MARKUP });
  assert.equal(added.status, 201);
  await until(member(SECOND).locator(".mark", { hasText: "rings" }));
  await card(SECOND).getByRole("button", { name: `Answer ${SECOND}` }).focus();
  await page.keyboard.press("a");
  await until(member(AGENT).locator(".hears", { hasText: `hears ${SECOND}` }));
  await until(member(SECOND).locator(".hears", { hasText: `hears ${AGENT}` }));
  assert.ok((await member(SECOND).locator(".address").textContent()).includes(MARKUP), "a label stays text");

  step("a muted member is heard by nobody");
  const room = added.body.conference_sid;
  await rest(`Conferences/${room}/Participants/${added.body.call_sid}`, { Muted: "true" });
  await until(member(SECOND).locator(".mark", { hasText: "muted" }));
  await until(page.locator(".member .hears.dead", { hasText: "hears nothing" }));
}

async function ladderTellsTheStory() {
  step("the ladder has a row for everything, and details for a row");
  const rows = page.locator(".row");
  for (const words of ["rest request", "ringing", "answered", "twiml requested", "pressed", "conference joined"]) {
    await until(rows.filter({ hasText: words }).first());
  }
  const heads = await page.locator(".columns span").allTextContents();
  assert.deepEqual(heads, ["Application", "Twilio", AGENT, SECOND]);
  const row = rows.filter({ hasText: "POST /pressed" });
  await row.focus();
  await page.keyboard.press("Enter");
  const details = page.locator(".details");
  await until(details.locator("pre", { hasText: "<Conference>" }));
  for (const words of ["200", "text/xml", "ms (real)", "Digits"]) await until(details.getByText(words).first());
  await page.keyboard.press("Escape");
  await until(details, "hidden");
  assert.ok(await row.evaluate((element) => element === document.activeElement), "the focus is back on the row");
}

async function faultsAndSwitchesTakeEffect() {
  step("a fault is switched on and off with the keyboard");
  await tab("Timeline").focus();
  for (let presses = 0; presses < 3; presses += 1) await page.keyboard.press("ArrowRight");
  const fault = page.getByRole("switch", { name: "REST answers 429" });
  const put = () => page.waitForResponse((response) => response.request().method() === "PUT");
  for (const status of [429, 404]) {
    await tabTo(fault);
    await Promise.all([put(), page.keyboard.press("Space")]);
    assert.equal((await rest("Calls/CA00000000000000000000000000000000", {})).status, status);
  }
  await until(page.locator('.row[data-tone="bad"]', { hasText: "-> 429" }), "attached");

  step("faults that make no sense are refused in words");
  const editor = page.getByLabel("Faults as JSON");
  const refusal = page.locator("#faults-refusal");
  tolerated = /status of 422/;
  await editor.fill('{"rest": [{"match": "*", "latency_ms": "slow"}]}');
  await page.getByRole("button", { name: "Apply" }).click();
  await until(refusal.filter({ hasText: "rest[0].latency_ms" }));
  tolerated = null;
  await editor.fill("{");
  await page.getByRole("button", { name: "Apply" }).click();
  await until(refusal.filter({ hasText: "This is no JSON" }));
  await page.getByRole("button", { name: "Discard changes" }).click();
  await until(refusal, "hidden");

  step("every switch has its control, and one is changed");
  await tab("Switches").click();
  const switches = Object.keys(await control("GET", "switches"));
  assert.equal(await page.locator("#panel-switches .field").count(), switches.length);
  await Promise.all([put(), page.getByLabel("Declined status").selectOption("busy")]);
  assert.equal((await control("GET", "switches")).declined_status, "busy");
}

/** For everybody: at both widths, in both colours, on every tab. */
async function everybodyCanUseIt() {
  await page.evaluate(axe.source);
  for (const width of [1280, 320]) {
    await page.setViewportSize({ width, height: 900 });
    for (const colorScheme of ["light", "dark"]) {
      step(`axe at ${width} px, ${colorScheme}`);
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      for (const name of ["Timeline", "Audibility", "Debugger", "Faults", "Switches"]) {
        await tab(name).click();
        if (name === "Timeline") await page.locator(".row").last().click();
        const { violations } = await page.evaluate(() => globalThis.axe.run());
        const grave = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
        const words = grave.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`));
        assert.deepEqual(words, [], `${name} at ${width} px, ${colorScheme}`);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(wide <= 0, `${name} at ${width} px is ${wide} px too wide`);
      }
    }
  }
  await page.setViewportSize({ width: 1280, height: 900 });
  await tab("Timeline").click();
}

async function resetClears() {
  step("a reset clears all of it");
  await page.getByRole("button", { name: "Reset" }).click();
  for (const gone of [".phone", ".conference", ".row"]) await until(page.locator(gone).first(), "detached");
  await until(page.locator("#no-phones"));
}

/** The emulator that comes back has virtual time. */
async function comesBackAfterARestart() {
  step("the emulator is restarted");
  const connection = page.locator("#connection");
  tolerated = /ERR_/;
  const lost = until(connection.filter({ hasText: "Reconnecting" }));
  console.log("restart");
  await lost;
  assert.equal((await lines.next()).value, "restarted");
  await until(connection.filter({ hasText: "Live" }));
  tolerated = null;
  await control("PUT", `phones/${SECOND}`, { behaviour: "answer" });
  await until(card(SECOND));

  step("virtual time is advanced");
  await page.getByRole("button", { name: "Advance by 5 s" }).click();
  await until(page.locator("#clock .time", { hasText: "0:05.000" }));
}

try {
  const response = await page.goto(given.base);
  assert.match(response.headers()["content-security-policy"], /default-src 'none'/);
  await until(page.locator("#connection", { hasText: "Live" }));
  await phonesRingAndAnswer();
  await conferenceShowsWhoHearsWhom();
  await ladderTellsTheStory();
  await faultsAndSwitchesTakeEffect();
  await everybodyCanUseIt();
  await resetClears();
  await comesBackAfterARestart();
  assert.deepEqual(complaints, [], "the console is silent");
} finally {
  await browser.close();
}
process.exit(0);
