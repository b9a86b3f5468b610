// The README's pictures: `npm ci && npm run pictures -- '<the dashboard's address as the host prints it>'`.

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { launch } from "./browser.mjs";
import { address, settled, visit } from "./visit.mjs";

const folder = join(dirname(fileURLToPath(import.meta.url)), "../../functions/report");
const at = address(process.argv[2] ?? "http://127.0.0.1:8787/api/v1/cs-ops/dashboard");
const PICTURES = [
  { file: "dashboard.png", hash: "#/", size: { width: 1180, height: 860 } },
  { file: "account.png", hash: "#/accounts/fir-freight", size: { width: 1180, height: 860 }, scheme: "dark" },
];

const browser = await launch();
for (const { file, ...how } of PICTURES) {
  const { page, close } = await visit(browser, at, how);
  await settled(page);
  await page.screenshot({ path: join(folder, file) });
  await close();
}
await browser.close();
