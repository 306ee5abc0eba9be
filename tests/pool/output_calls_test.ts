import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { runProgram } from "../helpers/run_program.ts";
import type { PoolOptions } from "../../mod.ts";
import { startSpawnerServer } from "../helpers/spawner_server.ts";
import { sharedSite } from "../helpers/ssh_fixture.ts";
import { sshTest } from "../helpers/ssh_server.ts";

const shared = sharedSite();

const PROGRAM = fileURLToPath(
  import.meta.resolve("../programs/output_calls.ts"),
);

/** The lines of the program, in alphabetical order, without the worker's name. */
async function linesOf(
  options: PoolOptions,
): Promise<{ stdout: string[]; stderr: string[] }> {
  const args = ["run", "-A", PROGRAM, JSON.stringify(options)];
  const { code, stdout, stderr } = await runProgram(Deno.execPath(), args);
  assertEquals(code, 0, stderr);
  const lines = (text: string) =>
    text.split("\n").slice(0, -1).map((line) => {
      assert(line.startsWith("["), line);
      return line.slice(line.indexOf("]") + 2);
    });
  return { stdout: lines(stdout), stderr: lines(stderr) };
}

/** What the calls print to stdout, without those that run at the same time. */
const LATER = [
  "[printBetween #0] after 7",
  "[printBetween #1] after 8",
  "[group #0] group",
  "[group #0]   ┌─────────┬───┐",
  "[group #0]   │ (index) │ a │",
  "[group #0]   ├─────────┼───┤",
  "[group #0]   │ 0       │ 1 │",
  "[group #0]   └─────────┴───┘",
  "[group #0]   {",
  "[group #0]     deep: { a: { b: { c: 1 } } }",
  "[group #0]   }",
  "[anonymous task #1] default: 1",
  "raw",
  "[raw #0] labeled",
];

async function assertLabels(options: PoolOptions): Promise<void> {
  const { stdout, stderr } = await linesOf({ ...options, outputCalls: true });
  assertEquals(stdout, [
    "initializer",
    ...[0, 1, 2].flatMap((x) => [
      `[printTwice #${x}] begins`,
      `[printTwice #${x}] in two lines`,
    ]),
    ...LATER,
  ]);
  assertEquals(stderr.toSorted(), [
    "[anonymous task #1] ",
    "[printTwice #0] ends 0",
    "[printTwice #1] ends 1",
    "[printTwice #2] ends 2",
  ]);
}

Deno.test("Pool with outputCalls prints the call before each line of its task", async () => {
  await assertLabels({ workers: 1 });
});

Deno.test("Pool with outputCalls prints the call before each line of a task at a spawner", async () => {
  await using server = await startSpawnerServer();
  await assertLabels({ workers: 0, hosts: server.spec(1) });
});

sshTest(
  "Pool with outputCalls prints the call before each line of a task over ssh",
  () => assertLabels({ workers: 0, hosts: shared.site.host(1) }),
);

Deno.test("Pool without outputCalls prints the lines of tasks as they are", async () => {
  const { stdout, stderr } = await linesOf({ workers: 1 });
  assertEquals(stdout.slice(0, 3), ["initializer", "begins", "in two lines"]);
  assertEquals(stdout.slice(-2), ["raw", "labeled"]);
  assertEquals(stderr.toSorted(), ["", "ends 0", "ends 1", "ends 2"]);
});
