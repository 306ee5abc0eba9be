/**
 * Maps numbers with a journal. Each item leaves its number in a file, and so
 * does each result that was read. In the end, writes all answers.
 *
 * Arguments: the folder of the files, the number of items, and a mode:
 * `"ordered"`, `"unordered"`, `"settled"` or `"keyed"`.
 */

import { bind, importTasks, Pool } from "../../mod.ts";

const [folder, count, mode] = Deno.args as [string, string, string];

const { answer } = importTasks<typeof import("./journal_tasks.ts")>(
  import.meta.resolve("./journal_tasks.ts"),
);

const items = Array.from({ length: Number(count) }, (_, index) => index);
const journal = { path: `${folder}/run.db`, failed: "keep" } as const;

await using pool = new Pool(2);
const results = pool.map(
  bind(answer, `${folder}/effects`, mode === "settled"),
  items,
  mode === "keyed"
    ? { journal, key: (x: number) => `item ${x}`, ordered: false }
    : { journal, ordered: mode !== "unordered" },
);
console.error("started");
const texts: string[] = [];
for await (
  const batch of (mode === "settled" ? results.settled() : results).batches()
) {
  const read = batch.map((item) =>
    typeof item === "number"
      ? `${item / 2} ${item}`
      : item.status === "fulfilled"
      ? `${item.index} ${item.value}`
      : `${item.index} ${(item.reason as Error).message}`
  );
  const lines = read.map((text) => `${text}\n`).join("");
  Deno.writeTextFileSync(`${folder}/read`, lines, { append: true });
  texts.push(...read);
}
Deno.writeTextFileSync(`${folder}/answers`, texts.join("\n"));
