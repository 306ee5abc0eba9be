import { assertGreater } from "@std/assert";
import { type JournalMode, JournalRuns } from "../helpers/journal_runs.ts";
import { Random } from "../helpers/random.ts";

/** The longest time from the beginning of a run's work to its end. */
const LONGEST = 250;

/** Kills a program at random moments, and then lets it end. */
async function killAndFinish(
  items: number,
  kills: number,
  mode: JournalMode,
): Promise<void> {
  const random = new Random(crypto.getRandomValues(new Uint32Array(1))[0]!);
  await using runs = new JournalRuns(items, mode);
  for (let kill = 0; kill < kills; kill++) {
    // Some runs are killed while they start or read what was recorded. The first
    // one records something, even on a slow machine.
    const from = kill === 0 ? "result" : kill % 4 === 3 ? "start" : "effect";
    await runs.kill(from, random.below(LONGEST));
  }
  assertGreater(runs.recorded, 0);
  await runs.finish();
}

Deno.test("map() goes on after its program was killed at 20 random moments, and runs no recorded item twice", async () => {
  await killAndFinish(100_000, 20, "ordered");
});

for (const mode of ["unordered", "settled", "keyed"] as const) {
  Deno.test(`map() goes on after its program was killed, with ${mode} results`, async () => {
    await killAndFinish(30_000, 4, mode);
  });
}
