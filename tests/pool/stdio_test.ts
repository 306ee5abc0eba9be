import { assertEquals, assertMatch } from "@std/assert";

interface Output {
  readonly code: number;
  readonly stdout: string[];
  readonly stderr: string[];
}

const PROGRAM = import.meta.resolve("../programs/cancel_output.ts");

/** Runs a program whose pool uses the given `stdio` option. */
async function run(stdio: string, how = "shut down"): Promise<Output> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", PROGRAM, stdio, how],
    stdin: "null",
  }).output();
  const lines = (bytes: Uint8Array) =>
    new TextDecoder().decode(bytes).split("\n");
  return { code, stdout: lines(stdout), stderr: lines(stderr) };
}

const LINES = Array.from({ length: 5_000 }, (_, line) => `line ${line}`);
const OWN = ["", "the program's own", ""];
const WRITTEN = ["first", "second", "cé", ...LINES, "", "no end"];

function named(lines: string[]): string[] {
  return lines.map((line) => `[local worker 1] ${line}`);
}

for (const how of ["shut down", "lost"]) {
  Deno.test(`Pool with stdio 'lines' prefixes each line with the worker and loses none when the worker is ${how}`, async () => {
    assertEquals(await run("lines", how), {
      code: 0,
      stdout: [...named(WRITTEN), ...OWN],
      stderr: [...named(["wrong", "no end here"]), ""],
    });
  });

  Deno.test(`Pool with stdio 'inherit' passes output on when the worker is ${how}`, async () => {
    assertEquals(await run("inherit", how), {
      code: 0,
      stdout: [...WRITTEN, ...OWN.slice(1)],
      stderr: ["wrong", "no end here"],
    });
  });

  Deno.test(`Pool with stdio 'null' discards output when the worker is ${how}`, async () => {
    assertEquals(await run("null", how), {
      code: 0,
      stdout: OWN,
      stderr: [""],
    });
  });
}

Deno.test("Pool with stdio 'lines' continues when nobody reads its output", async () => {
  for (const closed of ["stdout", "stderr"] as const) {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", PROGRAM, "lines"],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const open = closed === "stdout" ? child.stderr : child.stdout;
    const text = new Response(open).text();
    await child[closed].cancel();
    assertMatch(await text, /^\[local worker 1\] (first|wrong)\n/);
    assertEquals((await child.status).code, 0);
  }
});
