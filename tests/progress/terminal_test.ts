import { assert, assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";
import { runProgram } from "../helpers/run_program.ts";
import { Terminal, terminalTest } from "../helpers/terminal.ts";

const PROGRAM = fileURLToPath(
  new URL("../programs/progress_bar.ts", import.meta.url),
);

function command(end: string): [string, ...string[]] {
  return [Deno.execPath(), "run", "-qA", PROGRAM, end];
}

/** The lines that the program itself prints for this many results. */
function printed(results: number): string[] {
  return Array.from({ length: results }, (_, x) => [
    `${x}: console.log`,
    `${x}: console.error`,
    `${x}: writeSync`,
    `${x}: write`,
  ]).flat();
}

/** The lines that the workers print. */
const WORKERS = Array.from({ length: 20 }, (_, x) => `task ${x} prints a line`);

/** Splits lines into those of workers, of bars and of the program. */
function sorted(lines: readonly string[]) {
  const workers: string[] = [];
  const bars: string[] = [];
  const program: string[] = [];
  for (const line of lines) {
    const [, text] = /^\[local worker \d\] (.*)$/.exec(line) ?? [];
    if (text !== undefined) workers.push(text);
    else if (/^print +\d+%/.test(line)) bars.push(line);
    else program.push(line);
  }
  return { workers: new Set(workers), bars, program };
}

terminalTest("showProgress() draws a bar that nothing tears", async () => {
  await using terminal = new Terminal(command("end"));
  assertEquals(await terminal.end(), 0);
  const { workers, bars, program } = sorted(terminal.lines);
  assertEquals(workers, new Set(WORKERS));
  assertEquals(program, [...printed(20), "the end"]);
  assertEquals(bars.length, 1);
  assertMatch(bars[0]!, /^print 100% \[#+\] 20 of 20, \S+, in \d:\d\d$/);
  // It was drawn before the end, too.
  assert(terminal.output.match(/print +\d+% \[/g)!.length > 1);
});

terminalTest("showProgress() removes a bar with clear: true", async () => {
  await using terminal = new Terminal(command("clear"));
  assertEquals(await terminal.end(), 0);
  const { bars, program } = sorted(terminal.lines);
  assertEquals(program, [...printed(20), "the end"]);
  assertEquals(bars, []);
  assertMatch(terminal.output, /print +\d+% \[/);
});

terminalTest(
  "showProgress() ends the bar when the map is left early",
  async () => {
    await using terminal = new Terminal(command("return"));
    assertEquals(await terminal.end(), 0);
    const { bars, program } = sorted(terminal.lines);
    assertEquals(program, [...printed(5), "the end"]);
    assertEquals(bars.length, 1);
  },
);

terminalTest(
  "showProgress() leaves the bar above what follows Deno.exit()",
  async () => {
    await using terminal = new Terminal(command("exit"), {
      around: "echo prompt",
    });
    assertEquals(await terminal.end(), 3);
    const { bars, program } = sorted(terminal.lines);
    assertEquals(program, ["prompt", ...printed(5), "prompt"]);
    assertEquals(bars.length, 1);
  },
);

terminalTest(
  "showProgress() doesn't keep a program alive that doesn't read its map to the end",
  async () => {
    await using terminal = new Terminal(command("abandon"), {
      around: "echo prompt",
    });
    assertEquals(await terminal.end(), 0);
    const { bars, program } = sorted(terminal.lines);
    assertEquals(program, ["prompt", ...printed(5), "the end", "prompt"]);
    assertEquals(bars.length, 1);
  },
);

for (const end of ["throw", "reject"]) {
  terminalTest(
    `showProgress() doesn't tear an error that ends the program (${end})`,
    async () => {
      await using terminal = new Terminal(command(end));
      assertEquals(await terminal.end(), 1);
      const { program } = sorted(terminal.lines);
      assertEquals(program.slice(0, 20), printed(5));
      assertMatch(program[20]!, /^error: Uncaught .*Error: no more$/);
    },
  );
}

terminalTest(
  "showProgress() leaves the terminal as it was when Ctrl-C ends the program",
  async () => {
    await using terminal = new Terminal(command("wait"), { around: "stty -g" });
    await terminal.printed("waiting");
    await terminal.type("\x03");
    assertEquals(await terminal.end(), 130);
    const states = terminal.output.match(/(?:[0-9a-f]+:){10,}[0-9a-f]+/g);
    assertEquals(states?.length, 2);
    assertEquals(states![0], states![1]);
    // It only clears lines.
    const controls = terminal.output.split("\x1b").slice(1)
      .map((text) => text.slice(0, 2));
    assertEquals(new Set(controls), new Set(["[K"]));
  },
);

terminalTest(
  "showProgress() prints lines on a terminal that can't move its cursor",
  async () => {
    const env = { TERM: "dumb" };
    await using terminal = new Terminal(command("end"), { env });
    assertEquals(await terminal.end(), 0);
    assertEquals(terminal.output.includes("\x1b"), false);
    const lines = terminal.lines.filter((line) => line.startsWith("[distex]"));
    assertMatch(lines.at(-1)!, /^\[distex\] print: 100%, 20 of 20, /);
  },
);

Deno.test("showProgress() prints lines in a pipe", async () => {
  const [deno, ...args] = command("end");
  const { code, stderr } = await runProgram(deno, args);
  assertEquals(code, 0);
  const lines = stderr.split("\n").filter((line) =>
    line.startsWith("[distex]")
  );
  assertMatch(lines.at(-1)!, /^\[distex\] print: 100%, 20 of 20, /);
});
