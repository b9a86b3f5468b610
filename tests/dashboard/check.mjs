// The dashboard as people meet it: on a wide screen, on a phone, in the dark, by keyboard alone, by a screen reader's rules,
// without a token, without data and without a server. `CS_OPS_DASHBOARD` is its address with a token, `CS_OPS_PICTURES` a folder
// for pictures of what was seen.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch } from "./browser.mjs";
import { PHONE, WIDE, address, inaccessible, settled, visit } from "./visit.mjs";

const at = address(process.env.CS_OPS_DASHBOARD);
const pictures = process.env.CS_OPS_PICTURES ?? "pictures";
const LIVE = "**/performance/live";
let browser;
let account;

before(async () => {
  mkdirSync(pictures, { recursive: true });
  browser = await launch();
  const live = await (
    await fetch(`${at.api}/performance/live`, { headers: { authorization: `Bearer ${at.token}` } })
  ).json();
  // Somebody fell, or everything about accounts below would be of an account without a story.
  account = live.falls[0].account;
});
after(() => browser?.close());

/** Visits, looks, takes a picture, and asserts what has to hold of every visit. */
async function meet(name, how, look) {
  const visiting = await visit(browser, at, how);
  try {
    await look(visiting);
    await visiting.page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
    await visiting.page.evaluate(() => document.querySelectorAll("details").forEach((folded) => (folded.open = true)));
    assert.deepEqual(await inaccessible(visiting.page), []);
    assert.deepEqual([...visiting.seen.faults, ...(await visiting.page.evaluate(() => window.violations))], []);
    assert.deepEqual(visiting.seen.strangers, [], "it asks nobody but its own host");
    assert.doesNotMatch(await visiting.page.locator("body").innerText(), /undefined|null|NaN|\[object|Invalid Date/);
    const tooWide = await visiting.page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    assert.equal(tooWide, 0, "nothing sticks out of the window");
  } finally {
    await visiting.close();
  }
}

for (const [kind, size] of Object.entries({ wide: WIDE, phone: PHONE })) {
  for (const scheme of ["light", "dark"]) {
    test(`the portfolio's page, ${kind}, ${scheme}`, () =>
      meet(`portfolio-${kind}-${scheme}`, { size, scheme }, async ({ page }) => {
        await settled(page);
        for (const heading of [
          "Active escalations",
          "Biggest movers",
          "Open calls to action",
          "Accounts by band",
          "Bands over time",
          "Capacity",
          "Key figures against target",
        ]) {
          assert.equal(await page.getByRole("region", { name: heading }).first().isVisible(), true, heading);
        }
        assert.equal(await page.getByRole("img", { name: /^Accounts by band: Champion \d+, / }).count(), 1);
        assert.ok((await page.getByRole("link", { name: /\w+ \w+/ }).count()) > 2, "accounts are linked");
      }));
    test(`an account's page, ${kind}, ${scheme}`, () =>
      meet(`account-${kind}-${scheme}`, { size, scheme, hash: `#/accounts/${account}` }, async ({ page }) => {
        await settled(page);
        const parts = page.getByRole("img", { name: /^What each dimension brings to the score: / });
        const brought = [...(await parts.getAttribute("aria-label")).matchAll(/ (\d+\.\d)/g)].map(([, points]) =>
          Number(points),
        );
        const score = Number(await page.locator(".big strong").textContent());
        assert.ok(Math.abs(brought.reduce((sum, one) => sum + one, 0) - score) < 0.5, `${brought} make ${score}`);
        assert.equal(await page.getByRole("img", { name: /^The score from .* to / }).count(), 1);
        assert.ok((await page.locator(".event").count()) > 0, "what happened is marked on the curve");
        assert.ok((await page.locator("#timeline li").count()) > 5, "its decisions are told");
      }));
  }
}

test("by keyboard everything is reached in order, and seen to be", () =>
  meet("keyboard", {}, async ({ page }) => {
    await settled(page);
    await page.evaluate(() => {
      const wanted = document.querySelectorAll("a[href], button, input, summary, [tabindex='0']");
      window.missing = new Set([...wanted].filter((element) => element.checkVisibility()));
    });
    const total = await page.evaluate(() => window.missing.size);
    for (let press = 0; press <= total; press += 1) {
      await page.keyboard.press("Tab");
      const fault = await page.evaluate(() => {
        const here = document.activeElement;
        window.missing.delete(here);
        const isSeen = here === document.body || getComputedStyle(here).outlineStyle !== "none";
        return isSeen ? undefined : here.outerHTML.slice(0, 120);
      });
      assert.equal(fault, undefined, "where the keyboard is can be seen");
    }
    assert.deepEqual(
      await page.evaluate(() => [...window.missing].map((element) => element.outerHTML.slice(0, 120))),
      [],
    );
  }));

test("by keyboard an account is opened, and the reader stands at its beginning", () =>
  meet("opened", {}, async ({ page }) => {
    await settled(page);
    await page.locator("#falls a").first().focus();
    await page.keyboard.press("Enter");
    await page.waitForSelector("#standing");
    assert.equal(new URL(page.url()).hash, `#/accounts/${account}`);
    assert.equal(await page.evaluate(() => document.activeElement.id), "main");
    await page.getByLabel("Account", { exact: true }).fill("nobody-knows-it");
    await page.keyboard.press("Enter");
    await page.getByText("There is no account `nobody-knows-it`").waitFor();
    await page.goBack();
    await page.waitForSelector("#standing");
    await settled(page);
  }));

test("an unfolded part and the focus stay where they are when news come", () =>
  meet(
    "stays",
    {
      before: async (page) => {
        await page.clock.install();
        let answers = 0;
        await page.route(LIVE, async (route) => {
          const answer = await route.fetch();
          const live = await answer.json();
          answers += 1;
          await route.fulfill({ response: answer, json: { ...live, accounts: 1000 + answers } });
        });
      },
    },
    async ({ page }) => {
      const shown = () => page.locator(".tile strong").first().textContent();
      await page.waitForSelector("#falls a");
      await page.locator("#falls a").first().focus();
      await page.evaluate(() => {
        window.focused = document.activeElement;
      });
      const first = await shown();
      await page.clock.runFor(12_000);
      await page.waitForFunction((before) => document.querySelector(".tile strong").textContent !== before, first);
      assert.equal(
        await page.evaluate(() => window.focused === document.activeElement && window.focused.isConnected),
        true,
      );
      await page.clock.resume();
    },
  ));

test("a deadline is counted down by the server's clock, and over it is said to be", () =>
  meet(
    "countdown",
    {
      before: async (page) => {
        await page.clock.install();
        await page.route(LIVE, async (route) => {
          const answer = await route.fetch();
          const live = await answer.json();
          const breach = new Date(Date.parse(live.as_of) + 5_000).toISOString();
          const open = {
            escalation: "e",
            account,
            name: "Soon Over",
            severity: "critical",
            status: "open",
            role: "executive",
            reason: "somebody is needed",
            opened_at: live.as_of,
            breach_at: breach,
            seconds_to_breach: 5,
          };
          await route.fulfill({
            response: answer,
            json: { ...live, open_escalations: [open], open_escalation_count: 1 },
          });
        });
      },
    },
    async ({ page }) => {
      const left = page.locator("[data-until]");
      await left.waitFor();
      assert.match(await left.textContent(), /^0:0\d min left$/);
      await page.clock.runFor(7_000);
      assert.match(await left.textContent(), /^over by 0:0\d min$/);
      assert.match(await page.title(), /^\(1\) Portfolio/);
      await page.clock.resume();
    },
  ));

test("without a server the last that was heard stays, is said to be old, and asking grows slower", async () => {
  let isDown = false;
  let asked = 0;
  await meet(
    "failing",
    {
      before: async (page) => {
        await page.clock.install();
        await page.route("**/api/**", (route) => {
          if (!isDown || route.request().url().includes("/dashboard")) return route.fallback();
          asked += route.request().url().endsWith("/performance/live") ? 1 : 0;
          return route.abort();
        });
      },
    },
    async ({ page }) => {
      await page.waitForSelector("#falls a");
      isDown = true;
      const step = async () => {
        const answered = page.waitForEvent("requestfailed", { timeout: 500 }).catch(() => undefined);
        await page.clock.runFor(10_000);
        await answered;
      };
      await step();
      await step();
      await page
        .getByText(/^Not up to date: as of /)
        .first()
        .waitFor();
      assert.match(await page.getByRole("status").textContent(), /^Not up to date/);
      assert.ok(await page.locator("#falls a").first().isVisible(), "what was heard is still there");
      for (let more = 0; more < 28; more += 1) await step();
      assert.ok(asked >= 4 && asked <= 14, `in five minutes it asked ${asked} times, at its pace it would be 30`);
      isDown = false;
      await page.clock.runFor(70_000);
      await page.getByText(/^Up to date again/).waitFor({ state: "attached" });
      await page.clock.resume();
    },
  );
});

test("without a server from the beginning each part says so", () =>
  meet(
    "error",
    {
      before: (page) =>
        page.route("**/api/**", (route) =>
          route.request().url().includes("/dashboard")
            ? route.fallback()
            : route.fulfill({ status: 503, json: { title: "Busy", detail: "the table does not answer" } }),
        ),
    },
    async ({ page }) => {
      await page.locator("#escalations .failing").waitFor();
      assert.match(
        await page.locator("#escalations .failing").textContent(),
        /^Busy: the table does not answer\. It is asked again\.$/,
      );
    },
  ));

test("what a token may not see is said, and the rest is shown", () =>
  meet(
    "forbidden",
    {
      hash: "#/accounts/some",
      before: (page) =>
        page.route("**/accounts/*/health", (route) =>
          route.fulfill({
            status: 403,
            json: { title: "Not allowed", detail: "the scope `cs-ops.score.read` is missing" },
          }),
        ),
    },
    async ({ page }) => {
      await page.getByText("There is no account `some`").waitFor();
      await page.evaluate((id) => {
        location.hash = `#/accounts/${id}`;
      }, account);
      await page.getByText("the scope `cs-ops.score.read` is missing").first().waitFor();
      assert.equal(await page.locator("#timeline").isVisible(), true);
    },
  ));

test("where nothing is there yet, each part says so", () =>
  meet(
    "empty",
    {
      before: async (page) => {
        const nothing = {
          as_of: "2026-11-23T08:00:00Z",
          accounts: 0,
          bands: [],
          falls: [],
          open_ctas: [],
          open_cta_count: 0,
          open_escalations: [],
          open_escalation_count: 0,
          kpis: [],
          anomalies: [],
          opportunities: [],
          error_budget: null,
        };
        await page.route(LIVE, (route) => route.fulfill({ json: nothing }));
        await page.route("**/performance/history*", (route) => route.fulfill({ status: 404, json: {} }));
        await page.route("**/capacity/forecast", (route) => route.fulfill({ status: 501, json: {} }));
      },
    },
    async ({ page }) => {
      await settled(page);
      for (const sentence of [
        "Nothing is escalated.",
        "No call to action is open.",
        "No score fell in the last 30 days and stayed down.",
      ]) {
        assert.equal(await page.getByText(sentence).isVisible(), true, sentence);
      }
      assert.equal(await page.getByText("Nothing is told of this here yet.").count(), 2);
    },
  ));

test("while it waits for the first answer it says so", () =>
  meet("loading", { before: (page) => page.route(LIVE, () => {}) }, async ({ page }) => {
    await page.locator("#escalations .loading").waitFor();
  }));

test("without a token one is asked for, and a wrong one is refused", () =>
  meet("sign-in", { token: "" }, async ({ page }) => {
    await page.getByLabel(/^A bearer token/).fill("not-a-token");
    await page.getByRole("button", { name: "Show the portfolio" }).click();
    await page.getByText("The token is not valid any more. Sign in again.").waitFor();
    await page.getByLabel(/^A bearer token/).fill(at.token);
    await page.keyboard.press("Enter");
    await page.waitForSelector("#falls");
    await page.evaluate(() => {
      sessionStorage.clear();
      location.reload();
    });
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
  }));

test("a token in the address is taken out of it", () =>
  meet("handed-over", { token: "", hash: `#token=${at.token}` }, async ({ page }) => {
    await page.waitForSelector("#falls");
    assert.equal(page.url().includes(at.token), false);
  }));

test("how much it weighs and how soon it shows something", async (context) => {
  const { page, close } = await visit(browser, at);
  await settled(page);
  const { bytes, files, paint } = await page.evaluate(() => {
    const loaded = [
      ...performance.getEntriesByType("navigation"),
      ...performance.getEntriesByType("resource").filter(({ name }) => name.includes("/dashboard/")),
    ];
    const first = performance.getEntriesByName("first-contentful-paint")[0];
    return {
      bytes: loaded.reduce((sum, { encodedBodySize: size }) => sum + size, 0),
      files: loaded.length,
      paint: Math.round(first?.startTime ?? -1),
    };
  });
  const began = Date.now();
  await page.reload();
  await page.waitForSelector("#escalations table, #escalations .empty");
  context.diagnostic(
    `${bytes} bytes in ${files} files, uncompressed; first paint after ${paint} ms; again, with the portfolio on it, after ${Date.now() - began} ms`,
  );
  assert.ok(bytes > 10_000, "the page was loaded");
  await close();
});
