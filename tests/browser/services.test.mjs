// The hub as it is run for good: pages in one process, the work in another, over PostgreSQL and S3 where the environment names them
// (tests/run sets RETEX_TEST_POSTGRES and RETEX_TEST_S3_…), else over SQLite and a folder that both share.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { runRetex, startHub, startWorker } from "./hub.mjs";
import { SCREENS, accessible, fits, launch, open, picture } from "./page.mjs";

const PASSWORD = "un mot de passe pour essayer";
const AGENT = "agent@bagneux.example";
const OFFICER = "mission@metropole.example";

/** A day, `months` from now, as ISO. */
function day(months) {
  const now = new Date();
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + months, 1)).toISOString().slice(0, 10);
}

/** A convention that runs today, whatever the day. */
const CONVENTION = {
  retex: 1,
  id: "services",
  title: "Essai des services",
  track: "essai",
  period: { start: day(-1), end: day(2) },
  parties: { metropole: { siren: "200054781" }, sites: [{ siren: "219200078" }] },
  datasets: {
    mesures: {
      title: "Mesures",
      schema: {
        type: "object",
        additionalProperties: false,
        required: ["lieu", "valeur"],
        properties: { lieu: { type: "string" }, valeur: { type: "number", minimum: 0 } },
      },
      primary_key: ["lieu"],
      periodicity: "once",
      due: "P10D",
    },
  },
  uses: { evaluation: { datasets: ["mesures"] } },
  retention: { months: 12 },
  evaluation: {
    design: "none",
    indicators: [{ id: "moyenne", title: "Valeur moyenne", dataset: "mesures", statistic: "mean", value: "valeur", better: "higher" }],
  },
};

/** Settings of a hub of its own on the servers that the environment names; the bucket is shared, so its folder is not. */
function settings() {
  const { RETEX_TEST_POSTGRES, RETEX_TEST_S3_ENDPOINT, RETEX_TEST_S3_BUCKET, RETEX_TEST_S3_ACCESS_KEY, RETEX_TEST_S3_SECRET_KEY } = process.env;
  const chosen = {};
  // The administrator's own database: the other tests make theirs beside it, so that it is empty.
  if (RETEX_TEST_POSTGRES) chosen.RETEX_DATABASE = RETEX_TEST_POSTGRES;
  if (RETEX_TEST_S3_ENDPOINT) {
    chosen.RETEX_LAKE = `s3://${RETEX_TEST_S3_BUCKET}/navigateur-${process.pid}-${Date.now()}`;
    chosen.RETEX_S3_ENDPOINT = RETEX_TEST_S3_ENDPOINT;
    chosen.RETEX_S3_ACCESS_KEY = RETEX_TEST_S3_ACCESS_KEY;
    chosen.RETEX_S3_SECRET_KEY = RETEX_TEST_S3_SECRET_KEY;
  }
  return chosen;
}

describe("retex serve and retex worker", () => {
  let folder, hub, worker, browser;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "retex-services-"));
    const shared = settings();
    const convention = join(folder, "convention.json");
    await writeFile(convention, JSON.stringify(CONVENTION));
    await writeFile(join(folder, "mesures.csv"), "lieu;valeur\nmairie;12,5\ngymnase;3\n");
    await writeFile(join(folder, "fautes.csv"), "lieu;valeur\nmairie;douze\n");
    const data = join(folder, "données");
    const run = (args, input) => runRetex(args, { data, settings: shared, input });
    await run(["admin", "setup", "--email", "administration@metropole.example", "--name", "Ada Morel", "--password-stdin"], PASSWORD);
    await run(
      ["admin", "account", "create", "--role", "contributor", "--site", "92007", "--email", AGENT, "--name", "Camille Bernard", "--password-stdin"],
      PASSWORD,
    );
    await run(["admin", "account", "create", "--role", "officer", "--email", OFFICER, "--name", "Odile Vasseur", "--password-stdin"], PASSWORD);
    await run(["admin", "convention", "import", convention]);
    // The process of the pages does no work: what is accepted, the other process accepted.
    hub = await startHub({ command: "serve", data, settings: { ...shared, RETEX_WORKERS: "0" } });
    browser = await launch();
    worker = { data, shared };
  });
  after(async () => {
    await browser?.close();
    await worker?.stop?.();
    await hub?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  it("records what the parties signed on paper", async () => {
    const { page, context, faults } = await open(browser);
    await signIn(page, hub.url, OFFICER);
    const scan = join(folder, "signée.pdf");
    await writeFile(scan, "%PDF-1.7\n%%EOF\n");
    for (const party of ["200054781", "219200078"]) {
      await page.goto(`${hub.url}/experimentations/services/signature/document`);
      await page.locator("input[type=file]").setInputFiles(scan);
      await page.locator("form[enctype] button").click();
      await page.getByLabel("Partie", { exact: true }).selectOption(party);
      await page.getByLabel("Nom du signataire").fill("Dominique Petit");
      await page.getByLabel("Qualité").fill("Maire");
      await page.getByLabel("Délibération ou délégation", { exact: true }).fill("DEL-2026-012");
      await page.getByLabel("Date de la délibération ou de la délégation").fill("2026-01-15");
      await page.getByRole("checkbox").check();
      if (party === "200054781") await sound(page, "services-signature-papier");
      await page.getByRole("button", { name: "Enregistrer la signature" }).click();
      await page.waitForURL(/\/(convention|signature)(\?|$)/);
    }
    await page.goto(`${hub.url}/experimentations/services/convention`);
    assert.match(await page.locator("main").innerText(), /en vigueur/i);
    assert.deepEqual(faults, []);
    await context.close();
  });

  it("takes a file, which waits for the worker and is then accepted", async () => {
    const { page, context, faults } = await open(browser);
    await signIn(page, hub.url, AGENT);

    await deposit(page, hub.url, join(folder, "mesures.csv"));
    // Nobody works yet.
    await page.waitForTimeout(1_500);
    // The page reloads by itself too: the one cuts the other short now and then.
    await page.reload().catch(() => {});
    assert.equal(await page.locator("[role=status]").count(), 0, "nothing is decided without a worker");
    Object.assign(worker, await startWorker({ data: worker.data, settings: worker.shared }));
    await settled(page);
    assert.match(await page.locator("main").innerText(), /2\s+lignes enregistrées/);
    await sound(page, "services-accepte");

    await deposit(page, hub.url, join(folder, "fautes.csv"));
    await settled(page);
    assert.match(await page.locator("main").innerText(), /B2/, "the wrong cell, as the spreadsheet names it");
    assert.deepEqual(faults, []);
    await context.close();
  });
});

async function signIn(page, url, email) {
  await page.goto(`${url}/connexion`);
  await page.getByLabel("Adresse électronique").fill(email);
  await page.getByLabel("Mot de passe").fill(PASSWORD);
  await page.getByRole("button", { name: "Se connecter" }).click();
  await page.getByRole("button", { name: "Se déconnecter" }).waitFor();
}

async function sound(page, name) {
  for (const [size, screen] of Object.entries(SCREENS)) {
    await page.setViewportSize(screen);
    await picture(page, `${name}-${size}`);
    await fits(page);
  }
  await page.setViewportSize(SCREENS.wide);
  await accessible(page);
}

async function deposit(page, url, file) {
  await page.goto(`${url}/depots/nouveau`);
  const value = await page.locator("#cible option[value^='services/mesures/']").first().getAttribute("value");
  await page.locator("#cible").selectOption(value);
  await page.locator("#file").setInputFiles(file);
  await page.getByRole("button", { name: "Déposer", exact: true }).click();
  await page.waitForURL(/\/depots\/[0-9a-f-]{36}/);
}

/** Waits for the end of the check: the page of a deposit that no longer runs. */
async function settled(page) {
  for (let tries = 0; tries < 120; tries++) {
    if (await page.locator("[role=status]").count()) return;
    await page.waitForTimeout(500);
    // The page reloads by itself too: the one cuts the other short now and then.
    await page.reload().catch(() => {});
  }
  assert.fail(`${page.url()} still runs`);
}
