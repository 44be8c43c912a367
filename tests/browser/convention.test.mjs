// A convention's whole life, in the browser: from the programme's model to in force for three parties, a deposit under it, an
// amendment, its early end.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { accountsOf, startHub } from "./hub.mjs";
import { SCREENS, accessible, fits, launch, open, picture } from "./page.mjs";

const OFFICER = "mission@metropole.example";
const PARTIES = [
  { email: "signature@metropole.example", name: "Odile Vasseur", quality: "Vice-présidente" },
  { email: "signature@bagneux.example", name: "Sofia Lemaire", quality: "Maire" },
  { email: "signature@montreuil.example", name: "Karim Haddad", quality: "Adjoint délégué au numérique" },
];
const BASE = "/experimentations/tri-des-dossiers-essai";
/** The demo's today, which its clock starts at. */
const TODAY = "2026-11-24";

describe("a convention", () => {
  let hub, browser, password;
  /** Secret and last used step of each signatory's second factor. */
  const factors = new Map();

  before(async () => {
    hub = await startHub({ command: "demo" });
    browser = await launch();
    password = accountsOf(hub.output())[0].password;
  });
  after(async () => {
    await browser?.close();
    await hub?.stop();
  });

  /** A session of this person; where the account has a second factor, its code is asked too. */
  async function signIn(email) {
    const session = await open(browser);
    const { page } = session;
    await page.goto(`${hub.url}/connexion`);
    await page.getByLabel("Adresse électronique").fill(email);
    await page.getByLabel("Mot de passe").fill(password);
    await page.getByRole("button", { name: "Se connecter" }).click();
    if (factors.has(email)) {
      await page.getByLabel("Code", { exact: true }).fill(await code(email));
      await page.getByRole("button", { name: "Continuer" }).click();
    }
    await page.getByRole("button", { name: "Se déconnecter" }).waitFor();
    return session;
  }

  /** The next code of a person's phone that was not used yet (RFC 6238: SHA-1, six digits, 30 seconds). The phone has the true time, as the hub
   * has for codes, whatever day the demo stands at. */
  async function code(email) {
    const factor = factors.get(email);
    const now = () => Math.floor(Date.now() / 30_000);
    const step = Math.max(now(), factor.step + 1);
    // The hub takes the code of the step that follows, not of a later one.
    while (step > now() + 1) await new Promise((done) => setTimeout(done, 500));
    factor.step = step;
    return totp(factor.secret, step);
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

  /** Everybody signs the open version; gives what the convention's page then says. */
  async function signedByAll(times) {
    for (const { email, name, quality } of PARTIES) {
      const session = await signIn(email);
      const { page, context } = session;
      if (!factors.has(email)) {
        await page.goto(`${hub.url}/compte/second-facteur`);
        await page.getByRole("button", { name: "Activer un second facteur" }).click();
        const secret = (await page.locator("code.secret").innerText()).replaceAll(" ", "");
        factors.set(email, { secret, step: 0 });
        await page.getByLabel("Code à six chiffres").fill(await code(email));
        await page.getByRole("button", { name: "Activer le second facteur" }).click();
        await page.getByText("Vos codes de secours").waitFor();
      }
      await page.goto(`${hub.url}${BASE}/signature`);
      if (email === PARTIES[1].email) await sound(session, `convention-signature-${times}`);
      await page.getByLabel("Nom du signataire").fill(name);
      await page.getByLabel("Qualité").fill(quality);
      await page.getByLabel("Délibération ou délégation", { exact: true }).fill(`DEL-2026-${times}`);
      await page.getByLabel("Date de la délibération ou de la délégation").fill("2026-11-17");
      await page.getByLabel("Code de votre second facteur").fill(await code(email));
      await page.getByRole("checkbox", { name: /J'ai lu la convention/ }).check();
      await page.getByRole("button", { name: "Signer la convention" }).click();
      await page.waitForURL(/\/(convention|signature)(\?|$)/);
      assert.match(await page.locator("main").innerText(), new RegExp(name), `${email} has signed`);
      await context.close();
    }
    const { page, context } = await signIn(OFFICER);
    await page.goto(`${hub.url}${BASE}/convention`);
    const said = await page.locator("#signatures").innerText();
    await context.close();
    return said;
  }

  it("is drawn up from the programme's model, and opened to its parties", async () => {
    const session = await signIn(OFFICER);
    const { page, context } = session;
    await page.goto(`${hub.url}/conventions/nouvelle`);
    await sound(session, "convention-nouvelle");
    await page.getByLabel("Titre de l'expérimentation").fill("Tri des dossiers, essai");
    await page.getByRole("button", { name: "Commencer avec le modèle" }).click();
    await page.waitForURL(/\/conventions\/brouillons\//);

    await page.getByRole("link", { name: /Généralités et dates/ }).first().click();
    await page.getByLabel("Parcours").fill("tri-des-dossiers");
    await page.getByLabel("Premier jour").fill("2026-11-01");
    await page.getByLabel("Dernier jour").fill("2027-03-31");
    await page.getByRole("button", { name: "Enregistrer", exact: true }).click();
    await page.getByText(/Enregistré/).first().waitFor();
    await sound(session, "convention-generalites");

    await page.getByRole("link", { name: /^Parties/ }).first().click();
    for (const site of ["Bagneux", "93048"]) {
      await page.getByLabel("Ajouter une structure").fill(site);
      await page.getByRole("button", { name: "Ajouter", exact: true }).click();
      await page.waitForLoadState();
    }
    assert.match(await page.locator("main").innerText(), /Montreuil/);
    await sound(session, "convention-parties");

    await page.getByRole("link", { name: /Relecture et signature/ }).click();
    await page.getByRole("link", { name: "Ouvrir à la signature" }).click();
    await sound(session, "convention-ouvrir");
    await page.getByRole("button", { name: "Ouvrir à la signature" }).click();
    await page.waitForURL(new RegExp(`${BASE}/convention`));
    await sound(session, "convention-a-signer");
    // Nobody has signed: nothing may be sent yet.
    const agent = await signIn("agent@bagneux.example");
    await agent.page.goto(`${hub.url}/depots/nouveau`);
    assert.equal(await agent.page.locator("#cible option[value^='tri-des-dossiers-essai/']").count(), 0);
    await agent.context.close();
    await context.close();
  });

  it("is signed by its three parties, and then in force", async () => {
    const said = await signedByAll("041");
    for (const { name } of PARTIES) assert.match(said, new RegExp(name));
    assert.match(said, /en vigueur/i);
  });

  it("takes a deposit", async () => {
    const session = await signIn("agent@bagneux.example");
    const { page, context } = session;
    await deposit(page, "2026-11");
    assert.match(await page.locator("main").innerText(), /2\s+lignes enregistrées/);
    await context.close();
  });

  it("is amended: the difference is said, the parties sign again, and the first deposit stays", async () => {
    const session = await signIn(OFFICER);
    const { page, context } = session;
    await page.goto(`${hub.url}${BASE}/versions`);
    await page.getByRole("link", { name: "Préparer un avenant" }).click();
    await page.getByRole("button", { name: "Préparer un avenant" }).click();
    await page.waitForURL(/\/conventions\/brouillons\//);
    const draft = page.url().match(/\/conventions\/brouillons\/[0-9a-f-]{36}/)[0];
    await page.goto(`${hub.url}${draft}/document`);
    const field = page.getByLabel("Document", { exact: true });
    const before = await field.inputValue();
    const after = before.replace("title: Catégorie", "title: Catégorie du dossier");
    assert.notEqual(after, before, "the document holds the column");
    await field.fill(after);
    await page.getByRole("button", { name: "Enregistrer", exact: true }).click();
    await page.waitForLoadState();
    await page.goto(`${hub.url}${draft}/relecture`);
    assert.match(await page.locator("main").innerText(), /Catégorie du dossier/, "what changes is said before it is signed");
    assert.match(await page.locator("main").innerText(), /acceptent les fichiers déjà reçus \(1 dépôt accepté\)/, "and what it means for what was sent");
    await sound(session, "convention-avenant");
    await page.getByRole("link", { name: "Ouvrir à la signature" }).click();
    await page.getByRole("button", { name: "Ouvrir à la signature" }).click();
    await page.waitForURL(new RegExp(`${BASE}/convention`));
    await page.goto(`${hub.url}${BASE}/versions`);
    await page.getByRole("link", { name: /Voir les différences/ }).first().click();
    assert.match(await page.locator("main").innerText(), /Catégorie du dossier/);
    await sound(session, "convention-differences");
    await context.close();

    assert.match(await signedByAll("058"), /en vigueur/i);
    const agent = await signIn("agent@bagneux.example");
    await agent.page.goto(`${hub.url}/depots?experimentation=tri-des-dossiers-essai`);
    assert.match(await agent.page.locator("tbody").innerText(), /Accepté/, "what was accepted stays accepted");
    await agent.context.close();
  });

  it("is ended early by the Métropole, with a reason, and its data's end follows", async () => {
    const session = await signIn(OFFICER);
    const { page, context } = session;
    await page.goto(`${hub.url}${BASE}/convention/fin`);
    await sound(session, "convention-fin");
    await page.getByLabel("Dernier jour").fill(TODAY);
    await page.getByLabel("Motif").fill("La solution n'est plus maintenue.");
    await page.getByRole("button", { name: "Arrêter la convention" }).click();
    await page.waitForURL(/fait=fin/);
    assert.match(await page.locator("main").innerText(), /La solution n'est plus maintenue\./);
    await sound(session, "convention-arretee");
    await page.goto(`${hub.url}/conservation`);
    const row = page.getByRole("row", { name: /Tri des dossiers, essai/ });
    assert.match(await row.innerText(), /24\s+novembre 2026[\s\S]*24\s+mois[\s\S]*24\s+novembre 2028/);
    await sound(session, "conservation");
    await context.close();

    const agent = await signIn("agent@bagneux.example");
    await agent.page.goto(`${hub.url}/mes-donnees/tri-des-dossiers-essai`);
    assert.match(await agent.page.locator("main").innerText(), /24\s+novembre 2028/);
    await sound(agent, "mes-donnees");
    await agent.context.close();
  });

  /** Sends two rows for this month and waits for the decision. */
  async function deposit(page, period) {
    const file = join(hub.data, `dossiers_${period}.csv`);
    await writeFile(file, `id_dossier;date_depot;groupe\nD1;${period}-03;assistant\nD2;${period}-04;temoin\n`);
    await page.goto(`${hub.url}/depots/nouveau`);
    await page.locator("#cible").selectOption(`tri-des-dossiers-essai/dossiers/${period}`);
    await page.locator("#file").setInputFiles(file);
    await page.getByRole("button", { name: "Déposer", exact: true }).click();
    await page.waitForURL(/\/depots\/[0-9a-f-]{36}/, { timeout: 30_000 });
    for (let tries = 0; tries < 60; tries++) {
      if (await page.locator("[role=status]").count()) return;
      await page.waitForTimeout(500);
      // The page reloads by itself too: the one cuts the other short now and then.
      await page.reload().catch(() => {});
    }
    assert.fail(`${page.url()} still runs`);
  }
});

function totp(secret, step) {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret.replace(/=+$/, "")].map((c) => letters.indexOf(c).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const hash = createHmac("sha1", key).update(counter).digest();
  const at = hash[hash.length - 1] & 15;
  return String((hash.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}
