// Owns the windows of the console's tests: Chromium, one context a person, what they complain of, and axe on whatever they show.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import axe from "axe-core";
import { chromium } from "playwright-core";

const ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/** Says what is being done; the test's last word when it fails. */
export const step = (words) => console.error(`console: ${words}`);

/** A browser. `given`: `base`, `emulator`, `chromium`, `password`; `files` serves scripts and styles from a folder instead. */
export async function open(given) {
  const browser = await chromium.launch({ executablePath: given.chromium, args: ARGUMENTS });
  return {
    close: () => browser.close(),
    window: (name, viewport) => windowOf(browser, given, name, viewport),
  };
}

async function windowOf(browser, given, name, viewport = { width: 1280, height: 900 }) {
  const context = await browser.newContext({ viewport, reducedMotion: "reduce", baseURL: given.base });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  // A violation of the content security policy is a console error too.
  const complaints = [];
  let tolerated = null;
  page.on("pageerror", (error) => complaints.push(`${name}: ${error}`));
  page.on("console", (message) => {
    if (message.type() === "error" && !tolerated?.test(message.text())) complaints.push(`${name}: ${message.text()}`);
  });
  page.on("dialog", (dialog) => {
    complaints.push(`${name}: ${dialog.message()}`);
    dialog.dismiss();
  });
  if (given.files) await serveFrom(given.files, page);
  return {
    page,
    context,
    complaints,
    /** What the browser may say of failed requests from now on; null is nothing. */
    tolerate: (pattern) => (tolerated = pattern),
    logIn: () => logIn(page, name, given.password),
    until: (selector, words, state = "visible") => page.locator(selector, words === undefined ? {} : { hasText: words }).first().waitFor({ state }),
    looksRight: (where, sizes) => looksRight(page, `${name} at ${where}`, sizes),
  };
}

async function serveFrom(folder, page) {
  const types = { js: "text/javascript", css: "text/css", svg: "image/svg+xml" };
  await page.route("**/static/*", async (route) => {
    const name = new URL(route.request().url()).pathname.split("/").at(-1);
    if (name === "texts.js") return route.fulfill({ contentType: types.js, body: `export default ${await readFile(`${folder}/../texts/en.json`, "utf8")};` });
    return route.fulfill({ contentType: types[name.split(".").at(-1)], body: await readFile(`${folder}/${name}`) });
  });
}

async function logIn(page, name, password) {
  await page.goto("/login");
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill(password);
  await page.keyboard.press("Enter");
  await page.locator("#connection", { hasText: "Live" }).waitFor({ state: "attached" });
}

/** For everybody: no violation of axe's rules and nothing beyond the edge, in both themes, wide and narrow. */
async function looksRight(page, where, sizes = [1280, 320]) {
  const was = page.viewportSize();
  for (const width of sizes) {
    await page.setViewportSize({ width, height: 900 });
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.evaluate(axe.source);
      const { violations } = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
      const words = violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`));
      assert.deepEqual(words, [], `${where}, ${width} px, ${colorScheme}`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `${where}, ${width} px: ${wide} px too wide`);
    }
  }
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
  await page.setViewportSize(was);
}

/** The phones at the emulator. */
export function phones(emulator) {
  const control = async (method, path, body) => {
    const response = await fetch(`${emulator}/emulator/${path}`, { method, headers: { "content-type": "application/json" }, body: body && JSON.stringify(body) });
    const text = await response.text();
    assert.ok(response.ok, `${path}: ${text}`);
    return text ? JSON.parse(text) : null;
  };
  /** Tries until it holds: what the emulator shows follows what is said to it. */
  const eventually = async (words, holds) => {
    for (const deadline = Date.now() + 20_000; ; ) {
      const found = await holds();
      if (found === true) return;
      assert.ok(Date.now() < deadline, `${words}: ${JSON.stringify(found)}`);
      await new Promise((done) => setTimeout(done, 50));
    }
  };
  const heard = async (address) => {
    const { people } = await control("GET", "audibility");
    const spans = people.filter((person) => person.address === address).flatMap(({ spans: all }) => all);
    return (spans.at(-1)?.hears ?? []).map(({ kind, who }) => who ?? kind).sort();
  };
  const does = (what) => async (address, body) => {
    // A phone that does not ring yet cannot be picked up.
    await eventually(`${address} can ${what}`, async () => {
      try {
        await control("POST", `phones/${encodeURIComponent(address)}/${what}`, body);
        return true;
      } catch (error) {
        return error.message;
      }
    });
  };
  return {
    behave: (address, behaviour) => control("PUT", `phones/${encodeURIComponent(address)}`, { behaviour }),
    answer: does("answer"),
    decline: does("decline"),
    hangUp: does("hang-up"),
    press: (address, digits) => does("press")(address, { digits }),
    /** Waits until somebody hears just these: addresses, `music`, `ringing`. */
    hears: (address, ...whom) =>
      eventually(`${address} hears ${whom}`, async () => {
        const now = await heard(address);
        return JSON.stringify(now) === JSON.stringify([...whom].sort()) || now;
      }),
  };
}
