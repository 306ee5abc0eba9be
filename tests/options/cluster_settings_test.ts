import { assertEquals, assertThrows } from "@std/assert";
import {
  checkClusterOptions,
  parseBatchSpec,
  parseClusterSpec,
} from "../../src/options/cluster_settings.ts";

Deno.test("parseClusterSpec() splits the number of workers off", () => {
  const cases: [string, string, number | undefined][] = [
    ["slurm://short/64", "short", 64],
    ["slurm://short/", "short", undefined],
    ["slurm://short", "short", undefined],
    ["slurm://", "", undefined],
    ["slurm:///8", "", 8],
    [
      "docker://registry:5000/denoland/deno:2.9.6/4",
      "registry:5000/denoland/deno:2.9.6",
      4,
    ],
    ["docker://denoland/deno:2.9.6", "denoland/deno:2.9.6", undefined],
  ];
  for (const [spec, place, workers] of cases) {
    assertEquals(parseClusterSpec(spec), { place, workers }, spec);
  }
});

Deno.test("parseBatchSpec() names the part of a spec that is wrong", () => {
  const parse = (spec: string) => () => parseBatchSpec(spec, "queue", /^\w+$/);
  assertEquals(parse("sge://all/4")(), { place: "all", workers: 4 });
  assertEquals(parse("sge:///4")(), { place: "", workers: 4 });
  assertThrows(
    parse("sge://all/x"),
    RangeError,
    'the number of workers must be a whole number after the name of the queue, as in queue/32, but is "x"',
  );
  assertThrows(parse("sge://all/4/5"), RangeError, "the number of workers");
  assertThrows(
    parse("sge://a b/4"),
    RangeError,
    `'queue' must be the name of a queue, but is "a b"`,
  );
});

Deno.test("checkClusterOptions() names the host and the option", () => {
  const check = (options: object) => () =>
    checkClusterOptions("slurm://short/8", options, { account: true });
  check({ workers: 8, account: "physics", env: { A: "b" } })();
  assertThrows(
    check({ acount: "physics" }),
    TypeError,
    `In the host "slurm://short/8" it has no option 'acount'; it has workers, name,`,
  );
  assertThrows(
    check({ workersPerJob: 0 }),
    RangeError,
    `In the host "slurm://short/8" 'workersPerJob' must be an integer of at least 1, but is 0`,
  );
  assertThrows(
    check({ name: "" }),
    RangeError,
    `'name' must be a string with text, but is ""`,
  );
  assertThrows(check({ deno: 5 }), TypeError, "'deno' must be a string");
  assertThrows(check({ cwd: 5 }), TypeError, "'cwd' must be a string");
});
