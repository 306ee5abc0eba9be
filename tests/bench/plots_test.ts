import {
  assert,
  assertEquals,
  assertLess,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { join } from "node:path";
import { row } from "../../bench/measure.ts";
import type { Report } from "../../bench/program.ts";
import { makePlots } from "../../bench/plots/plots.ts";
import { render } from "../../bench/plots/render.ts";
import { WORKS } from "../../bench/peers/works.ts";
import { runBench } from "../helpers/bench_fixture.ts";
import { withFile } from "../helpers/files.ts";

const MACHINE = { deno: "2.9.6", cpu: "Z80", cores: 2, os: "linux", load: 0 };

/** A report with all rows of the peers, and some of simulated workers. */
const REPORT: Report = {
  machine: MACHINE,
  quick: false,
  rows: [
    ...WORKS.flatMap(({ names, peers, unit }) =>
      names.flatMap((start) =>
        peers.map(({ name }, index) =>
          row(`${start}/${name}`, unit, [index + 1])
        )
      )
    ),
    ...[8, 4_096].flatMap((workers) => [
      row(`scale/${workers}/bursts`, "/s", [1e6 / workers]),
      row(`scale/${workers}/p50`, "µs", [workers]),
    ]),
  ],
};

Deno.test("makePlots() makes a plot of each kind that there are rows for", () => {
  assertEquals(
    makePlots(REPORT).map(({ name }) => name),
    ["task_length", "payload", "workers", "connections"],
  );
  const rows = REPORT.rows.filter(({ name }) => name.startsWith("spin/"));
  assertEquals(
    makePlots({ ...REPORT, rows }).map(({ name }) => name),
    ["task_length"],
  );
  assertEquals(makePlots({ ...REPORT, rows: [] }), []);
});

Deno.test("makePlots() leaves out rows that weren't measured or have another unit", () => {
  const rows = [
    row("scale/8/bursts", "/s", [3]),
    row("scale/8/loops-8", "ms", [3]),
    { name: "scale/64/bursts", unit: "/s", value: null, ratios: {} },
  ];
  const [plot] = makePlots({ ...REPORT, rows });
  assertEquals(plot!.spec.data, {
    values: [{ series: "bursts", facet: "", x: 8, y: 3 }],
  });
});

Deno.test("render() draws each plot on an opaque background in less than 60 KB", async () => {
  for (const { name, spec } of makePlots(REPORT)) {
    const svg = await render(spec);
    assertMatch(svg, /^<svg [^>]*xmlns="http:\/\/www.w3.org\/2000\/svg"/, name);
    assertMatch(svg, /^<svg [^>]*><rect [^>]*fill="white"/, name);
    assertStringIncludes(svg, "Z80, 2 cores, Deno 2.9.6", name);
    assertLess(svg.length, 60_000, name);
  }
});

Deno.test("render() draws the same plot the same way each time", async () => {
  const [plot] = makePlots(REPORT);
  assertEquals(await render(plot!.spec), await render(plot!.spec));
});

Deno.test("makePlots() mentions that a run was quick or disturbed", async () => {
  const machine = { ...MACHINE, load: 7 };
  const [plot] = makePlots({ ...REPORT, machine, quick: true });
  const svg = await render(plot!.spec);
  assertStringIncludes(svg, "a quick run, whose figures mean little");
  assertStringIncludes(svg, "disturbed by other programs");
});

Deno.test("render() names all series", async () => {
  const [plot] = makePlots(REPORT);
  const svg = await render(plot!.spec);
  for (const { name } of WORKS[0]!.peers.slice(1, -1)) {
    assertStringIncludes(svg, `>${name}<`);
  }
  assertStringIncludes(svg, ">@distex/pool<");
});

Deno.test("bench:plot draws the plots of a file into a folder", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await withFile(JSON.stringify(REPORT), async (path) => {
      const { code, stdout, stderr } = await runBench(
        "plots/main.ts",
        "--out",
        folder,
        path,
      );
      assertEquals(code, 0, stderr);
      for (const { name } of makePlots(REPORT)) {
        const file = join(folder, `${name}.svg`);
        assertStringIncludes(stdout, file);
        assert((await Deno.readTextFile(file)).endsWith("</svg>\n"));
      }
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("bench:plot reports a wrong option, file or report", async () => {
  const option = await runBench("plots/main.ts", "--fast");
  assertEquals(option.code, 1);
  assertStringIncludes(option.stderr, "There is no option '--fast'");
  const file = await runBench("plots/main.ts", "nowhere.json");
  assertEquals(file.code, 1);
  assertEquals(file.stderr, "error: There is no file nowhere.json\n");
  await withFile("{}", async (path) => {
    const report = await runBench("plots/main.ts", path);
    assertEquals(report.code, 1);
    assertStringIncludes(report.stderr, "it has no 'machine'");
  });
});
