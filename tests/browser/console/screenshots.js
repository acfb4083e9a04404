// Owns the console's screenshots: every page and every state that matters, in light and dark, narrow, wide and on a wall.
// Takes the address of a running service, the folder to write to, and the password of alice, sam and root.

import { chromium } from "playwright-core";
import { CARDS, NO_NUMBERS, NUMBERS, RECENT, TEAM, crowd, snapshot } from "./cards.js";
import { pretend } from "./pretended.js";

const [base, folder, password, executablePath = "/usr/bin/chromium"] = process.argv.slice(2);
const WIDE = [1280, 860];
const NARROW = [320, 1100];
const LARGE = [1600, 1000];
const WALL = [3840, 2160];

const type = (text) => (page) => page.keyboard.type(text);
const press = (...keys) => async (page) => {
  for (const key of keys) await page.keyboard.press(key);
};
const transfer = async (page) => {
  for (const keys of [press("t"), type("da"), press("Enter")]) await keys(page);
  await page.getByLabel(/^Note for/).fill("Maria wants the annual plan; price agreed at 1,200.");
  await page.mouse.move(0, 0);
};

/** Name, who looks, path, what is going on, sizes, and what is done before the picture is taken. */
const SHOTS = [
  ["login", null, "/login", [], [WIDE, NARROW]],
  ["idle", "alice", "/", [], [WIDE, NARROW]],
  ["empty", "alice", "/", [], [WIDE], null, { team: TEAM.slice(0, 1), recent: { recent: [] } }],
  ["refused-number", "alice", "/", [], [WIDE], async (page) => { await press("n")(page); await type("+1 555 010 0199")(page); await page.waitForTimeout(500); }, { check: { valid: false, number: null, reasons: ["It is 21:14 for the customer (America/New_York); calls are allowed from 08:00 to 20:00.", "This number was called 3 times today, and 3 is the most."] } }],
  ["calling", "alice", "/", ["dialing"], [WIDE]],
  ["talking", "alice", "/", ["talking"], [WIDE, NARROW]],
  ["transfer-panel", "alice", "/", ["talking"], [[1280, 900], NARROW], transfer],
  ["ringing", "alice", "/", ["ringing"], [WIDE]],
  ["together", "alice", "/", ["together"], [WIDE, NARROW]],
  ["private", "alice", "/", ["consulting"], [WIDE]],
  ["failed", "alice", "/", ["failed"], [WIDE]],
  ["held", "alice", "/", ["held"], [WIDE]],
  ["incoming", "alice", "/", ["incoming"], [WIDE, NARROW]],
  ["wrap-up", "alice", "/", ["ended"], [WIDE, NARROW]],
  ["right-to-left", "alice", "/", ["rightToLeft"], [WIDE, NARROW]],
  ["long-names", "alice", "/", ["long"], [WIDE, NARROW]],
  ["shortcuts", "alice", "/", ["talking"], [WIDE], press("?")],
  ["phone", "alice", "/", [], [WIDE], press("i")],
  ["board", "sam", "/board", 18, [LARGE, NARROW, WALL]],
  ["board-card", "sam", "/board", ["supervised", "silent", "talking"], [LARGE, NARROW], press("ArrowDown", "ArrowDown", "Enter")],
  ["board-empty", "sam", "/board", [], [LARGE, NARROW], null, { numbers: NO_NUMBERS }],
  ["board-500", "sam", "/board", 500, [LARGE, WALL]],
  ["account", "alice", "/account", [], [WIDE, NARROW]],
  ["team", "root", "/team", [], [WIDE, NARROW]],
];

const browser = await chromium.launch({ executablePath, args: ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"] });
const cookies = new Map();
let failed = 0;

async function session(name) {
  if (!name || cookies.has(name)) return cookies.get(name);
  const context = await browser.newContext({ baseURL: base });
  const page = await context.newPage();
  await page.goto("/login");
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill(password);
  await Promise.all([page.waitForURL((url) => url.pathname !== "/login"), page.keyboard.press("Enter")]);
  cookies.set(name, await context.storageState());
  await context.close();
  return cookies.get(name);
}

async function shot([name, who, path, going, sizes, act, more = {}], [width, height], colorScheme) {
  const context = await browser.newContext({ baseURL: base, viewport: { width, height }, colorScheme, reducedMotion: "reduce", storageState: await session(who) });
  const page = await context.newPage();
  page.on("pageerror", (error) => {
    failed += 1;
    console.error(`${name}: ${error}`);
  });
  const me = TEAM.find((member) => member.name === who) ?? { name: who, display_name: "Root", role: "admin" };
  const calls = typeof going === "number" ? crowd(going) : going.map((kind) => CARDS[kind]());
  const busy = who === "alice" && calls.some(({ status }) => status !== "ended");
  const known = { me: { ...me, id: who, address: "+15550100101", presence: busy ? "busy" : "available", chosen: "available" }, team: more.team ?? TEAM.map((member) => (member.name === "alice" ? { ...member, on_call: busy, presence: busy ? "busy" : "available" } : member)) };
  await pretend(page, snapshot(known.me, calls, { team: known.team }), { numbers: more.numbers ?? NUMBERS, recent: more.recent ?? RECENT, check: more.check ?? { valid: true, number: "+15550100123", reasons: [] } });
  await page.goto(path);
  await page.waitForTimeout(400);
  if (act) await act(page);
  await page.waitForTimeout(200);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  if (wide > 0) {
    failed += 1;
    console.error(`${name} at ${width} px is ${wide} px too wide`);
  }
  await page.screenshot({ path: `${folder}/${name}-${width}-${colorScheme}.png` });
  await context.close();
}

for (const one of SHOTS) {
  for (const size of one[4]) for (const colorScheme of ["light", "dark"]) await shot(one, size, colorScheme);
  console.error(one[0]);
}
await browser.close();
process.exit(failed ? 1 : 0);
