import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import { denoArgs, linesOf, runExample } from "../helpers/examples.ts";
import { TempJournal } from "../helpers/temp_journal.ts";

/** Runs the example until it has printed a line, and kills it. */
async function killAfter(line: string, journal: string): Promise<void> {
  const child = new Deno.Command(Deno.execPath(), {
    args: denoArgs("journal.ts", journal),
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  let text = "";
  for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += part;
    if (!text.includes(line)) continue;
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
  }
  await child.status;
}

Deno.test("journal example goes on after it was killed", async () => {
  using file = new TempJournal();
  await killAfter("20 of 100 ranges", file.path);
  assertGreaterOrEqual(file.rows.length, 20);
  const lines = await linesOf("journal.ts", [file.path]);
  assertEquals(lines.length, 11);
  assertEquals(lines.at(-1), "348513 primes below 5000000");
});

Deno.test("journal example prints why it can't use a file", async () => {
  using file = new TempJournal();
  Deno.writeTextFileSync(file.path, "notes");
  const { code, stderr } = await runExample("journal.ts", file.path);
  assertEquals([code, stderr], [
    1,
    `The file '${file.path}' is no SQLite database, not a journal: choose another file\n`,
  ]);
});
