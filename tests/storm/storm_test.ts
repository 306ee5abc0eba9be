import { assertEquals, assertNotEquals } from "@std/assert";
import { planDisturbances, planWork } from "./plan.ts";
import { Random } from "./random.ts";

const isLinux = Deno.build.os === "linux";

const RUN = ["run", "-A", "--v8-flags=--expose-gc"];

/** A full storm has 200,000 tasks: `deno task test:storm`. */
const SHORT = ["--tasks", "5000", "--pause", "100"];

/** The longest that the storm may take on a busy machine, in milliseconds. */
const TIMEOUT = 600_000;

Deno.test({
  name:
    "Pool answers every call correctly in a storm, and leaves nothing behind",
  ignore: !isLinux,
  async fn() {
    const program = new URL("./main.ts", import.meta.url).href;
    const child = new Deno.Command(Deno.execPath(), {
      args: [...RUN, program, ...SHORT, "--seed", "1", "--tied"],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const timer = setTimeout(() => child.kill("SIGKILL"), TIMEOUT);
    try {
      const { code, stdout, stderr } = await child.output();
      const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
      assertEquals(code, 0, `${text(stderr)}\n${text(stdout)}`);
    } finally {
      clearTimeout(timer);
      await child.stdin.close();
    }
  },
});

Deno.test("planWork() returns the same plan for the same seed", () => {
  const plan = (seed: number) =>
    planWork(seed).take(500).map(({ kind, tasks, random }) =>
      `${kind} ${tasks} ${random.bits()}`
    ).toArray();
  assertEquals(plan(7), plan(7));
  assertNotEquals(plan(7), plan(8));
});

Deno.test("planDisturbances() returns the same plan for the same seed", () => {
  const plan = (seed: number) =>
    planDisturbances(seed, 100, { network: true, clusters: true }).take(500)
      .toArray();
  assertEquals(plan(7), plan(7));
  assertNotEquals(plan(7), plan(8));
  const { after } = plan(7).at(-1)!;
  assertEquals(Math.round(after / 500 / 10), 10);
});

Deno.test("Random returns evenly distributed numbers", () => {
  const random = new Random(3);
  const counts = new Array<number>(10).fill(0);
  for (let n = 0; n < 100_000; n++) counts[random.integer(0, 9)]! += 1;
  for (const count of counts) assertEquals(Math.round(count / 1_000), 10);
});
