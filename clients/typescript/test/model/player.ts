// Plays stories in a thread of its own: in the test runner's thread each promise is tracked, which takes six times as long.
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";
import { type Fault, Scenario } from "./scenario.js";

export interface Found {
  readonly seed: number;
  readonly problems: readonly string[];
}

interface Order {
  readonly first: number;
  readonly stories: number;
  readonly fault: Fault;
  /** Ends with the first story that has a problem like this. */
  readonly symptom: RegExp | null;
}

/** Plays stories, one for each seed from the first on; resolves to those with problems. */
export function play(first: number, stories: number, fault: Fault, symptom: RegExp | null = null): Promise<Found[]> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: { first, stories, fault, symptom } satisfies Order });
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", (code) => reject(new Error(`the player ended with ${code}, without an answer`)));
  });
}

async function carryOut({ first, stories, fault, symptom }: Order): Promise<Found[]> {
  const all: Found[] = [];
  for (let seed = first; seed < first + stories; seed += 1) {
    const problems = await new Scenario(seed, fault).play();
    if (problems.length > 0) all.push({ seed, problems });
    if (symptom && problems.some((problem) => symptom.test(problem))) break;
  }
  return all;
}

if (!isMainThread) parentPort?.postMessage(await carryOut(workerData as Order));
