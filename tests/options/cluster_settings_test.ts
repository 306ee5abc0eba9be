import { assertEquals, assertThrows } from "@std/assert";
import {
  checkClusterOptions,
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
  assertThrows(check({ deno: 5 }), TypeError, "'deno' must be a string");
  assertThrows(check({ cwd: 5 }), TypeError, "'cwd' must be a string");
});
