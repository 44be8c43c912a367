// Chromium, pages at the two widths that count, pictures, and the accessibility audit.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const HERE = dirname(fileURLToPath(import.meta.url));
const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** Where pictures go, one per page and width. */
export const PICTURES = join(process.env.CARGO_TARGET_DIR ?? resolve(HERE, "../../target"), "browser");

/** Width and height of the screens that pages are made for. */
export const SCREENS = { wide: { width: 1280, height: 900 }, narrow: { width: 390, height: 844 } };

/** Launches the system's Chromium. */
export function launch() {
  const executablePath = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((p) => p && existsSync(p));
  assert.ok(executablePath, "Chromium is missing: tests/run install");
  return chromium.launch({
    executablePath,
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"],
  });
}

/**
 * A page in a session of its own. Whatever the page throws, logs as an error, or asks of another host is kept in `faults`.
 * @param {import("playwright-core").Browser} browser
 * @param {object} options
 * @param {{width: number, height: number}} [options.screen]
 * @param {boolean} [options.scripts] whether the page may run scripts
 */
export async function open(browser, { screen = SCREENS.wide, scripts = true } = {}) {
  const context = await browser.newContext({ viewport: screen, locale: "fr-FR", timezoneId: "Europe/Paris", javaScriptEnabled: scripts, acceptDownloads: true });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const faults = [];
  page.on("pageerror", (fault) => faults.push(`threw ${fault.message}`));
  page.on("console", (line) => line.type() === "error" && faults.push(`logged ${line.text()}`));
  page.on("request", (request) => {
    const { hostname, protocol } = new URL(request.url());
    if (protocol.startsWith("http") && hostname !== "127.0.0.1") faults.push(`asked ${request.url()}`);
  });
  return { page, context, faults };
}

/** A picture of the whole page, in `target/browser/NAME.png`. */
export async function picture(page, name) {
  await mkdir(PICTURES, { recursive: true });
  await page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true, animations: "disabled" });
}

/** Fails where the page stays wider than its screen (a page that has just been resized takes a moment). */
export async function fits(page) {
  let content, screen;
  for (let tries = 0; tries < 20; tries++) {
    [content, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    if (content <= screen) return;
    await page.waitForTimeout(100);
  }
  assert.fail(`${page.url()} is ${content} px wide on a screen of ${screen} px`);
}

/** Fails on any violation of WCAG 2.2 A and AA that axe finds. Runs outside the page's own content policy. */
export async function accessible(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }));
  const said = violations.map((v) => `${v.id}: ${v.help}\n    ${v.nodes.slice(0, 5).map((n) => n.target.join(" ")).join("\n    ")}`);
  assert.deepEqual(said, [], `${page.url()} is not accessible`);
}
