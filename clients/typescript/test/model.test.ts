// Generated stories against a list of what must be shown. SEED=1 plays one of them again, TIMES=20 twenty times as many.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Found, play } from "./model/player.js";

const SCENARIOS = 1_000 * Number(process.env["TIMES"] ?? 1);
const first = process.env["SEED"] === undefined ? Date.now() % 2 ** 31 : Number(process.env["SEED"]);
const count = process.env["SEED"] === undefined ? SCENARIOS : 1;

test(`${count} stories show everything once and in order`, async () => {
  console.log(`seeds ${first} to ${first + count - 1}`);
  const found = await play(first, count, "none");
  assert.deepEqual(found, [], `${found.length} stories went wrong; SEED=${found[0]?.seed} plays the first one again`);
});

const SYMPTOMS = {
  "cursor before delivery": /is shown after|shows \d+ of/,
  "new key for each try": /stands twice/,
} as const;

for (const [fault, symptom] of Object.entries(SYMPTOMS) as [keyof typeof SYMPTOMS, RegExp][]) {
  test(`a client with the defect "${fault}" is found out`, { skip: process.env["SEED"] !== undefined }, async () => {
    const hasSymptom = ({ problems }: Found) => problems.some((problem) => symptom.test(problem));
    const witness = (await play(first, SCENARIOS, fault, symptom)).find(hasSymptom);
    assert.ok(witness, `none of ${SCENARIOS} stories shows it`);
    console.log(`${fault}: story ${witness.seed - first + 1}: ${witness.problems.find((problem) => symptom.test(problem))}`);
  });
}
