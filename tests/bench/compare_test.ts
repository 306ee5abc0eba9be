import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  type Change,
  compareReports,
  differences,
  type Verdict,
} from "../../bench/comparison.ts";
import { type Row, row, spread } from "../../bench/measure.ts";
import type { Report } from "../../bench/program.ts";
import { runBench } from "../helpers/bench_fixture.ts";
import { withFile } from "../helpers/files.ts";

const MACHINE = { deno: "2.9.6", cpu: "Z80", cores: 2, os: "linux", load: 0 };

const LOW = [10, 11, 12, 13, 14];
const HIGH = [20, 21, 22, 23, 24];
const MIXED = [11.5, 12.5, 9, 14.5, 13.5];

function report(...rows: Row[]): Report {
  return { machine: MACHINE, quick: false, rows };
}

function verdict(unit: string, a: number[], b: number[]): Verdict {
  const [change] = compareReports(
    [report(row("x", unit, a))],
    [report(row("x", unit, b))],
  );
  return change!.verdict;
}

Deno.test("compareReports() finds a higher rate better, and a lower one worse", () => {
  for (const unit of ["/s", "GB/s", "×"]) {
    assertEquals(verdict(unit, LOW, HIGH), "better", unit);
    assertEquals(verdict(unit, HIGH, LOW), "worse", unit);
  }
});

Deno.test("compareReports() finds a shorter time better, and a longer one worse", () => {
  for (const unit of ["µs", "ms", "MB"]) {
    assertEquals(verdict(unit, LOW, HIGH), "worse", unit);
    assertEquals(verdict(unit, HIGH, LOW), "better", unit);
  }
});

Deno.test("compareReports() finds samples the same if they overlap", () => {
  assertEquals(verdict("/s", LOW, MIXED), "same");
});

Deno.test("compareReports() finds medians the same if they differ by less than 2 %", () => {
  const a = [1000, 1001, 1002, 1003, 1004];
  assertEquals(verdict("/s", a, a.map((x) => x * 1.01)), "same");
  assertEquals(verdict("/s", a, a.map((x) => x * 1.03)), "better");
});

Deno.test("compareReports() doesn't judge samples that are too few", () => {
  assertEquals(verdict("/s", [1, 2], [8, 9]), "too few samples");
});

Deno.test("compareReports() compares the ratios to limits, too", () => {
  const withLimit = (ratios: number[]) =>
    report({ ...row("x", "/s", LOW), ratios: { limit: spread(ratios) } });
  const changes = compareReports([withLimit(LOW)], [withLimit(HIGH)]);
  assertEquals(
    changes.map(({ limit, unit, verdict }) => [limit, unit, verdict]),
    [[null, "/s", "same"], ["limit", "×", "better"]],
  );
});

Deno.test("compareReports() reports rows that only one side has", () => {
  const changes = compareReports(
    [report(row("old", "ms", LOW))],
    [report(row("young", "ms", HIGH))],
  );
  const none = { limit: null, unit: "ms", ratio: null, p: null };
  assertEquals<Change[]>(changes, [
    { ...none, name: "old", a: 12, b: null, verdict: "gone" },
    { ...none, name: "young", a: null, b: 22, verdict: "new" },
  ]);
});

Deno.test("compareReports() leaves out rows without figures", () => {
  const nothing = report({ name: "x", unit: "MB", value: null, ratios: {} });
  assertEquals(compareReports([nothing], [nothing]), []);
});

Deno.test("compareReports() takes the median of each of several runs as a sample", () => {
  const runs = (medians: number[]) =>
    medians.map((x) => report(row("x", "/s", [x / 2, x, x * 2])));
  const [change] = compareReports(runs(LOW), runs(HIGH));
  assertEquals([change!.a, change!.b, change!.verdict], [12, 22, "better"]);
  assertEquals(compareReports(runs(LOW), runs(MIXED))[0]!.verdict, "same");
  const [uneven] = compareReports([report(row("x", "/s", LOW))], runs(HIGH));
  assertEquals(uneven!.verdict, "too few samples");
});

Deno.test("differences() reports another machine, another version, quick and disturbed runs", () => {
  const a = report();
  const b = {
    ...report(),
    quick: true,
    machine: { ...MACHINE, deno: "3.0.0", cores: 4, load: 4.5 },
  };
  assertEquals(differences([a], [a]), []);
  assertEquals(differences([a], [b]), [
    "the runs differ in deno: 2.9.6, 3.0.0",
    "the runs differ in cores: 2, 4",
    "some runs are quick ones, whose figures mean little",
    "some runs were disturbed by other programs",
  ]);
});

Deno.test("bench:compare prints what changed", async () => {
  const a = report(row("calls", "/s", LOW), row("time", "ms", LOW));
  const b = report(row("calls", "/s", HIGH), row("time", "ms", MIXED));
  await withFiles(a, b, async (paths) => {
    const { code, stdout } = await runBench(
      "compare.ts",
      "--changed",
      ...paths,
    );
    assertEquals(code, 0);
    assertStringIncludes(stdout, "calls");
    assertStringIncludes(stdout, "1.833 p 0.008 better");
    assertEquals(stdout.includes("time"), false);
    assertStringIncludes(stdout, "1 better, 0 worse, 1 the same, of 2 figures");
  });
});

Deno.test("bench:compare prints a JSON document with --json", async () => {
  const a = report(row("calls", "/s", LOW));
  const b = report(row("calls", "/s", HIGH));
  await withFiles(a, b, async (paths) => {
    const { code, stdout } = await runBench("compare.ts", "--json", ...paths);
    assertEquals(code, 0);
    const { changes, warnings, ...sides } = JSON.parse(stdout);
    assertEquals(sides, { a: [paths[0]], b: [paths[1]], level: 0.01 });
    assertEquals(changes, compareReports([a], [b]));
    assertEquals(warnings, []);
  });
});

Deno.test("bench:compare separates the sides at --", async () => {
  await withFiles(report(), report(), async ([a, b]) => {
    const { code, stdout } = await runBench(
      "compare.ts",
      "--json",
      a,
      a,
      "--",
      b,
      b,
    );
    assertEquals(code, 0);
    const sides = JSON.parse(stdout);
    assertEquals([sides.a, sides.b], [[a, a], [b, b]]);
    const mixed = await runBench("compare.ts", a, b, b);
    assertEquals(mixed.code, 1);
    assertStringIncludes(mixed.stderr, "'--' between the two sides");
  });
});

Deno.test("bench:compare reports a wrong command line", async () => {
  const option = await runBench("compare.ts", "--fast", "a", "b");
  assertEquals(option.code, 1);
  assertStringIncludes(option.stderr, "There is no option '--fast'");
  const file = await runBench("compare.ts", "a.json");
  assertEquals(file.code, 1);
  assertStringIncludes(file.stderr, "Two files are needed");
});

Deno.test("bench:compare reports a file that doesn't exist", async () => {
  const { code, stderr } = await runBench(
    "compare.ts",
    "nowhere.json",
    "nowhere.json",
  );
  assertEquals(code, 1);
  assertEquals(stderr, "error: There is no file nowhere.json\n");
});

Deno.test("bench:compare reports a file that isn't a report, and why", async () => {
  const machine = MACHINE;
  const old = { median: 1, min: 1, max: 1 };
  const contents: [string, string][] = [
    ["single/map 1.10 M/s", "isn't JSON"],
    ["[]", "it isn't an object"],
    ["{}", "it has no 'machine'"],
    [JSON.stringify({ machine, rows: [] }), "it has no 'quick'"],
    [JSON.stringify({ machine, quick: true }), "it has no list of 'rows'"],
    [
      JSON.stringify({
        machine,
        quick: true,
        rows: [{ name: "x", unit: "/s", value: old, ratios: {} }],
      }),
      "rows[0] isn't a row with samples",
    ],
    [
      JSON.stringify(report(row("x", "/s", LOW), row("x", "/s", LOW))),
      "it has two rows 'x'",
    ],
  ];
  for (const [content, problem] of contents) {
    await withFile(content, async (path) => {
      const { code, stderr } = await runBench("compare.ts", path, path);
      assertEquals(code, 1, content);
      assertStringIncludes(stderr, `error: ${path}`);
      assertStringIncludes(stderr, problem);
    });
  }
});

async function withFiles(
  a: Report,
  b: Report,
  check: (paths: [string, string]) => Promise<void>,
): Promise<void> {
  await withFile(JSON.stringify(a), async (pathA) => {
    await withFile(JSON.stringify(b), (pathB) => check([pathA, pathB]));
  });
}
