// Sending files from a browser: cancelling, losing the connection, reloading in the middle.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { accountsOf, startHub } from "./hub.mjs";
import { accessible, fits, launch, open, picture, SCREENS } from "./page.mjs";

const SAMPLE = new URL("../../samples/tri-demandes/deposits/92007/demandes/Demandes 2026-09.xlsx", import.meta.url);
const CHUNK = 4096;

describe("uploads", () => {
  let hub, browser, folder, sample;

  before(async () => {
    hub = await startHub({ command: "demo" });
    browser = await launch();
    folder = await mkdtemp(join(tmpdir(), "retex-upload-"));
    sample = await readFile(SAMPLE);
  });
  after(async () => {
    await browser?.close();
    await hub?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** Bagneux at the form, where small files already go in pieces. */
  async function form(session) {
    const account = accountsOf(hub.output()).find((a) => a.whose.includes("Bagneux"));
    session ??= await open(browser);
    const { page } = session;
    await page.goto(`${hub.url}/connexion`);
    await page.getByLabel("Adresse électronique").fill(account.email);
    await page.getByLabel("Mot de passe").fill(account.password);
    await page.getByRole("button", { name: "Se connecter" }).click();
    await page.getByRole("button", { name: "Se déconnecter" }).waitFor();
    await ready(page);
    return session;
  }

  async function ready(page, { above = CHUNK, chunk = CHUNK } = {}) {
    await page.goto(`${hub.url}/depots/nouveau`);
    const target = await page.locator("#cible option").evaluateAll((all) => all.map((o) => o.value).find((v) => v.includes("demandes") && v.includes("2026-09")));
    await page.goto(`${hub.url}/depots/nouveau?cible=${target}`);
    const [declared, size] = await page.locator("form[data-upload]").evaluate((f) => [f.dataset.resumableAbove, f.dataset.chunk]);
    assert.deepEqual([declared, size], ["50000000", "8388608"], "what the page says by itself");
    await page.locator("form[data-upload]").evaluate((f, [a, c]) => Object.assign(f.dataset, { resumableAbove: a, chunk: c }), [above, chunk]);
  }

  /** A file of its own, whose name says which test sends it. */
  async function choose(page, name, bytes = sample) {
    const path = join(folder, name);
    if (bytes) await writeFile(path, bytes);
    await page.locator("#file").setInputFiles(path);
    return path;
  }

  const send = (page) => page.getByRole("button", { name: "Déposer", exact: true }).click();
  const state = (page) => page.locator("[data-state]");
  /** What the browser still remembers of unfinished uploads. */
  const remembered = (page) => page.evaluate(() => Object.keys(localStorage).filter((k) => k.startsWith("retex-upload:")).map((k) => JSON.parse(localStorage.getItem(k)).url));
  const head = (page, url) => page.evaluate(async (u) => {
    const answer = await fetch(u, { method: "HEAD", headers: { "Tus-Resumable": "1.0.0" } });
    return [answer.status, Number(answer.headers.get("Upload-Offset"))];
  }, url);

  /** Lets so many pieces through, then holds the next one back until told what becomes of it; those after it pass. */
  async function holdAfter(page, pieces) {
    let left = pieces;
    let reached, release;
    const held = new Promise((done) => (reached = done));
    const told = new Promise((done) => (release = done));
    await page.route("**/api/v1/uploads/*", async (route) => {
      if (route.request().method() === "PATCH" && left-- === 0) {
        reached();
        await told;
        await route.abort("connectionreset").catch(() => {}); // The page may have given it up itself.
      } else {
        await route.continue();
      }
    });
    return { held, lose: release };
  }

  it("cancels an upload in pieces, and nothing of it stays", async () => {
    const session = await form();
    const { page, context, faults } = session;
    await choose(page, "annulé.xlsx");
    const hold = await holdAfter(page, 2);
    await send(page);
    await hold.held;
    const cancel = page.getByRole("button", { name: "Annuler l'envoi" });
    assert.ok(await cancel.evaluate((b) => b === document.activeElement), "the focus is on what can be done");
    const bar = page.getByRole("progressbar", { name: "Envoi du fichier" });
    assert.ok((await bar.evaluate((b) => b.value)) > 0);
    assert.match(await page.locator("[data-amount]").innerText(), /envoyés sur/);
    for (const [size, screen] of Object.entries(SCREENS)) {
      await page.setViewportSize(screen);
      await picture(page, `envoi-${size}`);
      await fits(page);
    }
    await accessible(page);
    const [url] = await remembered(page);
    assert.deepEqual(await head(page, url), [200, 2 * CHUNK]);
    await cancel.click();
    await page.getByText("Envoi annulé. Rien n'a été déposé").waitFor();
    hold.lose();
    assert.deepEqual(await remembered(page), []);
    assert.deepEqual((await head(page, url))[0], 404);
    assert.ok(await page.getByRole("button", { name: "Déposer", exact: true }).evaluate((b) => b === document.activeElement && !b.disabled));
    assert.equal(new URL(page.url()).pathname, "/depots/nouveau");
    // The 404 just asked for is all that the console may hold.
    assert.deepEqual(faults.filter((f) => !f.includes("404")), []);
    await context.close();
  });

  it("goes on after the connection was lost", async () => {
    const session = await form();
    const { page, context } = session;
    await choose(page, "coupé.xlsx");
    const hold = await holdAfter(page, 1);
    await send(page);
    await hold.held;
    hold.lose();
    await page.getByText("La connexion est coupée. Nouvel essai").waitFor();
    assert.equal(await state(page).getAttribute("aria-live"), "polite");
    await page.waitForURL(/\/depots\/[0-9a-f-]{36}/);
    assert.deepEqual(await remembered(page), []);
    await context.close();
  });

  it("goes on where it was after the page is reloaded", async () => {
    const session = await form();
    const { page, context } = session;
    // Other bytes than before: a file that ends otherwise is another file.
    const path = await choose(page, "rechargé.xlsx", Buffer.concat([sample, Buffer.from("\n")]));
    const hold = await holdAfter(page, 3);
    await send(page);
    await hold.held;
    const [url] = await remembered(page);
    await page.reload();
    hold.lose();
    await ready(page);
    await page.locator("#file").setInputFiles(path);
    const asked = [];
    page.on("request", (r) => r.url().includes("/api/v1/uploads") && asked.push([r.method(), r.headers()["upload-offset"]]));
    await send(page);
    await page.waitForURL(/\/depots\/[0-9a-f-]{36}/);
    assert.deepEqual(asked[0], ["HEAD", undefined]);
    assert.deepEqual(asked[1], ["PATCH", String(3 * CHUNK)], "not one byte twice");
    assert.ok(!asked.some(([method]) => method === "POST"), "the same upload");
    assert.equal((await head(page, url))[0], 200);
    await context.close();
  });

  it("cancels a small file too", async () => {
    const session = await form();
    const { page, context } = session;
    await ready(page, { above: 50_000_000 });
    await choose(page, "petit.xlsx");
    let reached;
    const held = new Promise((done) => (reached = done));
    await page.route("**/depots", (route) => (route.request().method() === "POST" ? reached() : route.continue()));
    await send(page);
    await held;
    await page.getByRole("button", { name: "Annuler l'envoi" }).click();
    await page.getByText("Envoi annulé. Rien n'a été déposé").waitFor();
    await page.unrouteAll({ behavior: "ignoreErrors" });
    assert.equal(new URL(page.url()).pathname, "/depots/nouveau");
    // And then sends it after all.
    await send(page);
    await page.waitForURL(/\/depots\/[0-9a-f-]{36}/);
    await context.close();
  });

  it("says what the hub refuses, and keeps the form", async () => {
    const session = await form();
    const { page, context } = session;
    await choose(page, "refusé.xlsx");
    await page.route("**/api/v1/uploads", (route) =>
      route.fulfill({ status: 409, contentType: "application/problem+json", body: JSON.stringify({ code: "evaluation_final", detail: "L'évaluation définitive est arrêtée." }) }));
    await send(page);
    await page.getByText("L'évaluation définitive est arrêtée.").waitFor();
    assert.ok(await page.getByRole("button", { name: "Déposer", exact: true }).isEnabled());
    assert.deepEqual(await remembered(page), []);
    await context.close();
  });
});
