import {
  assert,
  assertArrayIncludes,
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertLess,
  assertStringIncludes,
} from "@std/assert";
import { SECTIONS } from "../../bench/main.ts";
import type { Row, Spread } from "../../bench/measure.ts";
import { runBench } from "../helpers/bench_fixture.ts";
import { sshdProblem } from "../helpers/ssh_server.ts";

interface Report {
  readonly machine: Readonly<Record<string, unknown>>;
  readonly quick: boolean;
  readonly rows: readonly Row[];
}

/** Figures that should be the same for any number of simulated workers. */
const FLAT = [
  ...["bursts-cpu", "bursts", "loops-8-cpu", "loops-8", "loops-256-cpu"],
  ...["loops-256", "p50", "p99"],
];

const HAS_UNIX_SOCKETS = Deno.build.os !== "windows";

Deno.test({
  name: "bench measures all rows",
  ignore: !HAS_UNIX_SOCKETS,
  async fn() {
    const names = SECTIONS.flatMap(({ names }) => names)
      .filter((name) => !isLarge(name));
    const only = names.map((name) => `--only=${name}`);
    const { code, stdout, stderr } = await runBench(
      "main.ts",
      "--quick",
      "--json",
      ...only,
    );
    assertEquals(code, 0, stderr);
    const { machine, quick, rows }: Report = JSON.parse(stdout);
    assertEquals(machine.deno, Deno.version.deno);
    assertEquals(machine.cores, navigator.hardwareConcurrency);
    assert(quick);
    assertEquals(
      rows.map(({ name }) => name).toSorted(),
      names.filter((name) => !sshdProblem || !needsSsh(name)).toSorted(),
    );
    for (const row of rows) checkRow(row);
    checkLimits(rows);
    if (sshdProblem) assertStringIncludes(stderr, sshdProblem);
  },
});

Deno.test({
  name: "bench measures the selected rows and their limits",
  ignore: !HAS_UNIX_SOCKETS,
  async fn() {
    const { code, stdout } = await runBench(
      "main.ts",
      "--quick",
      "--json",
      "--only=single/run-all",
      "--only=start/1",
    );
    assertEquals(code, 0);
    const { rows }: Report = JSON.parse(stdout);
    assertEquals(
      rows.map(({ name }) => name),
      ["limit", "single/run-all", "start/1", "stop/1"],
    );
  },
});

Deno.test("bench reports an option or a row that doesn't exist", async () => {
  const option = await runBench("main.ts", "--fast");
  assertEquals(option.code, 1);
  assertStringIncludes(option.stderr, "There is no option '--fast'");
  const row = await runBench("main.ts", "--only", "nothing");
  assertEquals(row.code, 1);
  assertStringIncludes(row.stderr, "There is no row with 'nothing'");
});

Deno.test({
  name: "stream memory bench sends 200 MB with less than 150 MB each",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const { code, stdout, stderr } = await runBench("stream_memory.ts", "0.2");
    assertEquals(code, 0, stderr);
    const [, program, worker] =
      stdout.match(/memory: (\d+) MB in the program, (\d+) MB in the worker/) ??
        [];
    assertLess(Number(program), 150, stdout);
    assertLess(Number(worker), 150, stdout);
  },
});

Deno.test("codec bench measures each codec with each value", async () => {
  const { code, stdout } = await runBench("values.ts", "--quick");
  assertEquals(code, 0);
  const [, , ...lines] = stdout.trimEnd().split("\n");
  assertEquals(lines.length, 6 * 5);
  for (const line of lines) {
    for (const figure of line.trim().split(/\s+/).slice(-3)) {
      assertGreater(Number(figure), 0, line);
    }
  }
});

/** Returns whether a row takes long even in a quick run. */
function isLarge(name: string): boolean {
  return /\/(?:64|512|2048|4096|16384)(?:\/|$)/.test(name) ||
    /^sharing-(?:25ms|half)/.test(name);
}

function needsSsh(name: string): boolean {
  return ["ssh-", "start-ssh/", "sharing-"].some((start) =>
    name.startsWith(start)
  );
}

function checkRow({ name, unit, value, ratios }: Row): void {
  assertGreater(unit.length, 0, name);
  if (value !== null) checkSpread(value, name);
  else assertEquals(name, "memory/peak");
  for (const ratio of Object.values(ratios)) checkSpread(ratio, name);
}

function checkSpread(
  { median, min, max, samples }: Spread,
  name: string,
): void {
  // A process may have had no reason to collect garbage.
  if (name.startsWith("gc-")) assertGreaterOrEqual(min, 0, name);
  else assertGreater(min, 0, name);
  assertEquals([Math.min(...samples), Math.max(...samples)], [min, max], name);
  assert(min <= median && median <= max && Number.isFinite(max), name);
}

function socketLimits(direction: string): string[] {
  return ["socket-1", "socket-2", "socket-fresh-1", "socket-fresh-2"]
    .map((name) => `${name}/${direction}`);
}

/** Limits that no row measures, because they are calculated. */
const CALCULATED = ["ideal", "in order"];

/** Checks that each rate or time of the pool has a ratio to its limits. */
function checkLimits(rows: readonly Row[]): void {
  const limits = Object.entries({
    "single/": ["limit"],
    "chunk-": ["limit"],
    "at-once/": ["at-once/10000"],
    "transform/": ["map/array", "map/stream", "identity"],
    "run/p50": ["echo/p50"],
    "echo/p99": ["echo/p50"],
    "run/p99.9": ["echo/p99.9", "run/p50"],
    "run/p99": ["echo/p99", "run/p50"],
    "ssh-run/p50": ["ssh-echo/p50"],
    "ssh-single/": ["ssh-limit"],
    "start-many/ready": ["start-many/cost", "start-many/limit"],
    "values/": ["values/map"],
    "bytes/": ["bytes/run"],
    "payload/in/": socketLimits("in"),
    "payload/out/": socketLimits("out"),
    "payload/both/": socketLimits("both"),
    "journal": ["plain-map"],
    "elastic/first": ["fixed/first"],
    "elastic/later": ["fixed/later"],
    "elastic/burst": ["fixed/burst"],
    "elastic/worker-seconds": ["fixed/worker-seconds"],
    ...Object.fromEntries(
      FLAT.map((figure) => [`scale/1/${figure}`, [`scale/8/${figure}`]]),
    ),
  });
  const names = rows.map(({ name }) => name);
  for (const { name, ratios } of rows) {
    // A row that others are compared with.
    const others = ["at-once/10000", "values/map", "bytes/run"];
    if (others.includes(name)) continue;
    const [, expected = []] = limits.find(([start]) =>
      name.startsWith(start)
    ) ??
      [];
    const measured = Object.keys(ratios)
      .filter((limit) => !CALCULATED.includes(limit));
    assertEquals(measured, expected, name);
    assertArrayIncludes(names, expected);
  }
}
