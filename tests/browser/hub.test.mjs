// The hub as a newcomer starts it.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { startHub } from "./hub.mjs";
import { SCREENS, accessible, fits, launch, open, picture } from "./page.mjs";

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

  for (const [name, screen] of Object.entries(SCREENS)) {
    it(`welcomes on a ${name} screen`, async () => {
      const { page, context, faults } = await open(browser, { screen });
      const answer = await page.goto(hub.url);
      assert.equal(answer.status(), 200);
      assert.equal(await page.locator("h1").count(), 1);
      assert.equal(await page.locator("html").getAttribute("lang"), "fr");
      await picture(page, `welcome-${name}`);
      await fits(page);
      await accessible(page);
      assert.deepEqual(faults, []);
      await context.close();
    });
  }
});
