import { assertEquals, assertStringIncludes } from "@std/assert";

interface Ended {
  readonly code: number;
  readonly lines: string[];
  readonly stderr: string;
}

/** Runs a program until it ends. */
async function run(program: string, ...args: string[]): Promise<Ended> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", import.meta.resolve(`../programs/${program}`), ...args],
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return {
    code,
    lines: decoder.decode(stdout).trim().split("\n"),
    stderr: decoder.decode(stderr),
  };
}

Deno.test("Pool leaves no rejected promise that the program can't handle", async () => {
  const { code, lines, stderr } = await run("cancel_unhandled.ts");
  assertEquals(code, 0, stderr);
  assertEquals(lines.map((line) => JSON.parse(line)), [
    ["futures", []],
    ["maps", []],
    ["starts", []],
    ["own", [
      ...["3", "5", "ConnectionRefused", "RangeError"],
      ...["TimeoutError", "TimeoutError"],
    ]],
  ]);
});

Deno.test("runWorker() logs errors that a task left behind, and goes on serving", async () => {
  const { code, lines, stderr } = await run("cancel_leftovers.ts");
  assertEquals([code, lines], [0, ["same worker"]], stderr);
  for (const left of ["a promise", "a timer", "a microtask", "no error"]) {
    assertStringIncludes(stderr, left);
  }
  assertStringIncludes(stderr, "[local worker 1] Uncaught");
});
