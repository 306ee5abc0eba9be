import {
  assertEquals,
  assertMatch,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  formatCounts,
  readCounts,
  readRequest,
  runFile,
  selectFiles,
  SLOW,
} from "../../tools/run_tests.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Writes a test file, passes its path on, and removes it. */
async function withFile(
  text: string,
  use: (file: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const file = join(folder, "some_test.ts");
    await Deno.writeTextFile(file, text);
    await use(file);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("runFile() counts the tests of a file", async () => {
  const text = `
    Deno.test("passes", () => {});
    Deno.test("passes too", async (t) => { await t.step("step", () => {}); });
    Deno.test("fails", () => { throw new Error("as it must"); });
    Deno.test.ignore("is left out", () => {});
  `;
  await withFile(text, async (file) => {
    const { passed, failed, ignored, output } = await runFile(file, []);
    assertEquals([passed, failed, ignored], [2, 1, 1]);
    assertStringIncludes(output, "as it must");
  });
});

Deno.test("runFile() passes options on", async () => {
  const text = `
    Deno.test("one", () => {});
    Deno.test("two", () => { throw new Error("must not run"); });
  `;
  await withFile(text, async (file) => {
    const { passed, failed } = await runFile(file, ["--filter=one"]);
    assertEquals([passed, failed], [1, 0]);
  });
});

Deno.test("runFile() reports a failure when a file ends early", async () => {
  for (const text of ["throw new Error('no')", "Deno.exit(3)", "syntax("]) {
    await withFile(text, async (file) => {
      const { passed, failed } = await runFile(file, []);
      assertEquals([passed, failed], [0, 1], text);
    });
  }
});

Deno.test("runFile() kills a file that takes too long", async () => {
  const text = 'Deno.test("hangs", () => { while (true); });';
  await withFile(text, async (file) => {
    const { passed, failed, output } = await runFile(file, [], 1_000);
    assertEquals([passed, failed], [0, 1]);
    assertMatch(output, /killed after 1 seconds/);
  });
});

Deno.test("readCounts() reads the last summary", () => {
  const output = [
    "ok | 9 passed | 9 failed (1s)",
    "\x1b[0m\x1b[32mok\x1b[0m | 3 passed (2 steps) | 0 failed | 1 ignored " +
    "| 7 filtered out \x1b[38;5;245m(9ms)\x1b[0m",
    "",
  ].join("\n");
  assertEquals(readCounts(output), { passed: 3, failed: 0, ignored: 1 });
  assertEquals(readCounts("nothing of the kind"), undefined);
});

Deno.test("formatCounts() formats as deno test does", () => {
  const counts = { passed: 3, failed: 0, ignored: 0 };
  assertEquals(formatCounts(counts, 1.4), "ok | 3 passed | 0 failed (1s)");
  assertEquals(
    formatCounts({ passed: 3, failed: 2, ignored: 1 }, 61),
    "FAILED | 3 passed | 2 failed | 1 ignored (61s)",
  );
});

Deno.test("selectFiles() puts slow files first, or leaves them out", () => {
  const files = ["tests/a_test.ts", `${SLOW[1]}/b_test.ts`, `${SLOW[0]}_c.ts`];
  const select = (fast: boolean, ...paths: string[]) =>
    selectFiles(files, { fast, paths });
  assertEquals(select(false), [files[1], files[0], files[2]]);
  assertEquals(select(true), [files[0], files[2]]);
  assertEquals(select(false, "tests/a_test.ts"), [files[0]]);
  assertEquals(select(false, "tests"), select(false));
  assertEquals(select(false, "test"), []);
});

Deno.test("SLOW names only what exists", async () => {
  for (const path of SLOW) await Deno.stat(join(ROOT, path));
});

Deno.test("readRequest() tells options from files", () => {
  assertEquals(
    readRequest(["--fast", "--jobs=3", "--filter=x", join(ROOT, "tests/util")]),
    {
      fast: true,
      jobs: 3,
      options: ["--filter=x"],
      paths: ["tests/util"],
    },
  );
  for (const jobs of ["0", "1.5", "many"]) {
    assertThrows(() => readRequest([`--jobs=${jobs}`]), RangeError, "--jobs");
  }
});
