// The hub as a newcomer starts it: `retex demo`, on SQLite and a folder, then the three users' work.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { accountsOf, startHub } from "./hub.mjs";
import { SCREENS, accessible, fits, launch, open, picture } from "./page.mjs";

const TRI = "samples/tri-demandes/deposits";

describe("retex demo", () => {
  let hub, browser;

  before(async () => {
    hub = await startHub({ command: "demo" });
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await hub?.stop();
  });

  /** Signs in the person whom the demo describes so (role or town), in a session of its own. */
  async function signIn(whose, options) {
    const account = accountsOf(hub.output()).find((a) => a.whose.includes(whose));
    assert.ok(account, `no account for ${whose} in what the demo prints:\n${hub.output()}`);
    const session = await open(browser, options);
    await session.page.goto(`${hub.url}/connexion`);
    await session.page.getByLabel("Adresse électronique").fill(account.email);
    await session.page.getByLabel("Mot de passe").fill(account.password);
    await session.page.getByRole("button", { name: "Se connecter" }).click();
    await session.page.getByRole("button", { name: "Se déconnecter" }).waitFor();
    return session;
  }

  /** What holds of every page that a person sees. */
  async function sound({ page, faults }, name) {
    assert.equal(await page.locator("h1").count(), 1, `${name}: one h1`);
    for (const [size, screen] of Object.entries(SCREENS)) {
      await page.setViewportSize(screen);
      await picture(page, `${name}-${size}`);
      await fits(page);
    }
    await page.setViewportSize(SCREENS.wide);
    await accessible(page);
    assert.deepEqual(faults, [], name);
  }

  it("welcomes", async () => {
    const session = await open(browser);
    const answer = await session.page.goto(`${hub.url}/connexion`);
    assert.equal(answer.status(), 200);
    assert.equal(await session.page.locator("html").getAttribute("lang"), "fr");
    await sound(session, "connexion");
    await session.context.close();
  });

  it("refuses a wrong password without saying which part is wrong", async () => {
    const { page, context } = await open(browser);
    await page.goto(`${hub.url}/connexion`);
    await page.getByLabel("Adresse électronique").fill("personne@example.fr");
    await page.getByLabel("Mot de passe").fill("un mot de passe");
    await page.getByRole("button", { name: "Se connecter" }).click();
    await page.getByRole("alert").waitFor();
    await context.close();
  });

  for (const scripts of [true, false]) {
    it(`shows a town hall which cells are wrong, then takes the file ${scripts ? "with" : "without"} scripts`, async () => {
      const session = await signIn("Bagneux", { scripts });
      const { page, context } = session;
      await page.getByRole("heading", { level: 1 }).waitFor();
      if (scripts) await sound(session, "a-faire");

      await page.goto(`${hub.url}/depots/nouveau`);
      if (scripts) await sound(session, "deposer");
      await deposit(page, `${TRI}/92007/demandes/Demandes 2026-10.xlsx`);
      await settled(page);
      const refused = await page.locator("main").innerText();
      assert.match(refused, /I59/, "the cell as the spreadsheet names it");
      assert.match(refused, /I142/);
      assert.match(refused, /\b7\b/);
      if (scripts) await sound(session, "depot-refuse");

      await page.goto(`${hub.url}/depots/nouveau`);
      await deposit(page, `${TRI}/92007/demandes/Demandes 2026-09.xlsx`);
      await settled(page);
      assert.match(await page.locator("main").innerText(), /Récépissé/);
      if (scripts) await sound(session, "depot-accepte");
      await context.close();
    });
  }

  it("shows an analyst the sites' results and the comparison", async () => {
    const session = await signIn("analyste");
    const { page, context } = session;
    await page.goto(`${hub.url}/experimentations/depots-sauvages-2026`);
    await sound(session, "experimentation");
    await page.goto(`${hub.url}/experimentations/depots-sauvages-2026/indicateurs/delai_enlevement`);
    await page.locator("figure svg").first().waitFor();
    assert.match(await page.locator("main").innerText(), /Villeneuve-Saint-Georges/);
    await sound(session, "indicateur");
    await page.goto(`${hub.url}/experimentations/depots-sauvages-2026/comparer`);
    assert.equal(await page.locator("tbody tr").count(), 12);
    await sound(session, "comparer");
    await context.close();
  });

  it("gives an officer the report as a PDF", async () => {
    const session = await signIn("chargé de mission");
    const { page, context } = session;
    await page.goto(`${hub.url}/experimentations/chauffage-2026/evaluation`);
    await sound(session, "evaluation");
    // Asked with the person's cookie: a browser would open it in its own viewer.
    const href = await page.getByRole("link", { name: "Rapport (PDF)" }).getAttribute("href");
    const answer = await context.request.get(new URL(href, hub.url).href);
    assert.equal(answer.headers()["content-type"], "application/pdf");
    const bytes = await answer.body();
    assert.equal(bytes.subarray(0, 5).toString(), "%PDF-");
    assert.ok(bytes.length > 20_000, `${bytes.length} bytes`);
    await context.close();
  });
});

/** Chooses the file, then the dataset and the period that its path names, and sends. */
async function deposit(page, path) {
  const period = path.match(/\d{4}-\d{2}/)[0];
  const options = await page.locator("#cible option").evaluateAll((all) => all.map((o) => ({ value: o.value, label: o.label })));
  const target = options.find((o) => o.value.includes("demandes") && o.value.includes(period));
  assert.ok(target, `no «demandes ${period}» among ${JSON.stringify(options)}`);
  await page.locator("#cible").selectOption(target.value);
  await page.locator("#file").setInputFiles(new URL(`../../${path}`, import.meta.url).pathname.replaceAll("%20", " "));
  await page.getByRole("button", { name: "Déposer", exact: true }).click();
}

/** Waits for the end of the check: the page of a deposit that no longer runs. */
async function settled(page) {
  await page.waitForURL(/\/depots\/[0-9a-f-]{36}/, { timeout: 30_000 });
  for (let tries = 0; tries < 60; tries++) {
    if (await page.locator("[role=status]").count()) return;
    await page.waitForTimeout(500);
    // The page reloads by itself too: the one cuts the other short now and then.
    await page.reload().catch(() => {});
  }
  assert.fail(`${page.url()} still runs`);
}
