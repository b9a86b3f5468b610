// json-rules-engine at work: reads `plan.json` and `facts.json` in the folder that it is given, prints `ready`, and answers
// each line that it reads with the CPU seconds that every rule of the first accounts takes. The verdicts of the first time go
// to `json-rules-engine.bin`.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import engines from "json-rules-engine";

const folder = process.argv[2];
const read = (name) => JSON.parse(readFileSync(join(folder, name), "utf8"));
const plan = read("plan.json");
const accounts = read("facts.json").slice(0, plan.few);
const engine = new engines.Engine();
plan.json.forEach((conditions, place) => engine.addRule({ conditions, event: { type: String(place) } }));

async function run() {
  const verdicts = new Uint8Array(plan.json.length * accounts.length);
  for (const [row, facts] of accounts.entries()) {
    const { events } = await engine.run(facts);
    for (const { type } of events) verdicts[row * plan.json.length + Number(type)] = 1;
  }
  return verdicts;
}

writeFileSync(join(folder, "json-rules-engine.bin"), await run());
console.log("ready");
for await (const _ of createInterface({ input: process.stdin })) {
  const began = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(began);
  console.log((user + system) / 1e6);
}
