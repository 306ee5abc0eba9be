/**
 * The work of a storm that makes maps with journals.
 *
 * @module
 */

import { bind, type SettledItem } from "../../mod.ts";
import type { MapResults } from "../../src/map/map_results.ts";
import { type JournalMode, JournalRuns } from "../helpers/journal_runs.ts";
import { TempJournal } from "../helpers/temp_journal.ts";
import { numbers, RETRIES, type Scene, tasks } from "./calls.ts";
import { someOptions } from "./maps.ts";
import type { Work } from "./plan.ts";
import { answer } from "./tasks.ts";

/** How often a map is left before its end. */
const BREAKS = 3;

/**
 * Makes a map with a journal, leaves it several times, and reads it to its end.
 * Each item notes when it begins; those that are recorded must not begin again.
 */
export async function mapJournal(scene: Scene, work: Work): Promise<void> {
  const { ledger, notes, limits, pool } = scene;
  const what = `${work.kind} ${work.number}`;
  const xs = numbers(work);
  const retries = work.random.pick([0, RETRIES]);
  const task = bind(tasks.answerNoted, notes);
  using file = new TempJournal();
  const run = async (most: number) => {
    for (const x of xs) limits.set(x, (limits.get(x) ?? 0) + retries + 1);
    const options = { ...someOptions(work), journal: file.path };
    const results = pool.with({ retries }).map(task, xs, options).settled();
    const reading = readItems(scene, work, results, retries, most);
    const outcome = await ledger.settled(what, reading);
    if (outcome.status === "rejected") {
      ledger.fault(`${what}: ${Deno.inspect(outcome.reason)}`);
    }
    return outcome.status === "fulfilled" ? outcome.value : 0;
  };
  for (let time = 0; time < BREAKS; time++) {
    await run(work.random.integer(1, work.tasks));
    // What is recorded may not begin in the next run.
    for (const { item } of file.rows) {
      const x = xs[item!]!;
      limits.set(x, limits.get(x)! - retries - 1);
    }
  }
  const read = await run(Infinity);
  if (read < work.tasks) {
    ledger.fault(`${what}: ${work.tasks - read} items are missing`);
  }
  ledger.count("answered", read);
}

/** Reads items, checks each, and returns how many there were. */
async function readItems(
  { ledger }: Scene,
  work: Work,
  results: MapResults<SettledItem<number>>,
  retries: number,
  most: number,
): Promise<number> {
  const what = `${work.kind} ${work.number}`;
  const xs = numbers(work);
  const seen = new Set<number>();
  for await (const item of results) {
    const x = xs[item.index];
    if (x === undefined || seen.has(item.index)) {
      ledger.fault(`${what}: wrong index ${item.index}`);
    } else if (item.status === "rejected") {
      ledger.judge(what, item.reason, { retries });
    } else if (item.value !== answer(x)) {
      ledger.fault(`${what}: wrong result ${item.value}`);
    }
    seen.add(item.index);
    if (seen.size >= most) break;
  }
  return seen.size;
}

/** Runs a program whose map has a journal, kills it twice, and lets it end. */
export async function killJournal(
  { ledger }: Scene,
  work: Work,
): Promise<void> {
  const { random } = work;
  const what = `${work.kind} ${work.number}`;
  const mode = random.pick<JournalMode>([
    "ordered",
    "unordered",
    "settled",
    "keyed",
  ]);
  const run = async () => {
    await using runs = new JournalRuns(work.tasks, mode);
    for (const from of ["effect", "start"] as const) {
      await runs.kill(from, random.integer(0, 200));
    }
    await runs.finish();
  };
  const { status, reason } = await ledger.settled(what, run()) as {
    status: string;
    reason?: unknown;
  };
  if (status === "rejected") ledger.fault(`${what}: ${Deno.inspect(reason)}`);
  ledger.count("answered", work.tasks);
}
