// A visit to the dashboard: a page in a browser of its own, everything that it asked for, and everything that went wrong.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const WIDE = { width: 1280, height: 900 };
export const PHONE = { width: 390, height: 844 };

/** The dashboard's address (`http://…/dashboard#token=…`) in parts. */
export function address(text) {
  const url = new URL(text);
  const token = new URLSearchParams(url.hash.slice(1)).get("token");
  return {
    origin: url.origin,
    page: url.origin + url.pathname,
    api: url.origin + url.pathname.replace(/\/dashboard$/, ""),
    token,
  };
}

/** Opens the page as somebody with these eyes. `before` may change what the server is heard to answer. */
export async function visit(
  browser,
  at,
  { size = WIDE, scheme = "light", hash = "#/", token = at.token, before } = {},
) {
  const context = await browser.newContext({
    viewport: size,
    colorScheme: scheme,
    locale: "en-GB",
    timezoneId: "UTC",
    reducedMotion: "reduce",
  });
  const page = await context.newPage();
  const seen = { faults: [], strangers: [], asked: [] };
  page.on("pageerror", (error) => seen.faults.push(error.stack));
  page.on("console", (message) => {
    if (/content security policy/i.test(message.text())) seen.faults.push(message.text());
  });
  page.on("request", (request) => {
    seen.asked.push(request.url());
    if (new URL(request.url()).origin !== at.origin) seen.strangers.push(request.url());
  });
  await page.addInitScript((held) => {
    if (held) sessionStorage.setItem("token", held);
    window.violations = [];
    document.addEventListener("securitypolicyviolation", (event) =>
      window.violations.push(`${event.violatedDirective}: ${event.blockedURI}`),
    );
  }, token);
  if (before) await before(page);
  await page.goto(at.page + hash);
  return { page, seen, close: () => context.close() };
}

/** Everything is there that is asked for. */
export async function settled(page) {
  await page.waitForFunction(
    () => document.querySelector("#view .card") && !document.querySelector("#view .loading"),
    undefined,
    { timeout: 30_000 },
  );
}

/** What axe finds against WCAG 2.2 AA and good practice, one line each. */
export async function inaccessible(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() =>
    globalThis.axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }),
  );
  return violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.target.join(" ")}: ${node.failureSummary.replaceAll("\n", " ")}`),
  );
}
