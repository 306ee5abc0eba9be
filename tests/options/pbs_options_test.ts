import { assertEquals, assertThrows } from "@std/assert";
import { type PbsOptions, pbsSettings } from "../../src/options/pbs_options.ts";

function optionsOf(options: Record<string, unknown>): PbsOptions {
  return { host: "pbs://workq/4", ...options } as PbsOptions;
}

Deno.test("pbsSettings() fills in the defaults", () => {
  assertEquals(pbsSettings({ host: "pbs://workq/32" }), {
    name: "workq",
    workers: 32,
    workersPerJob: 1,
    queue: "workq",
    account: undefined,
    seconds: undefined,
    cpus: 1,
    memory: undefined,
    resourceList: {},
    qsubArgs: [],
    dialect: undefined,
  });
});

Deno.test("pbsSettings() reads all options", () => {
  const options: PbsOptions = {
    host: "pbs:///6",
    workersPerJob: 3,
    account: "biology",
    time: "1:30:00",
    cpus: 2,
    memory: "4GB",
    resourceList: { software: "matlab" },
    qsubArgs: ["-p", "1"],
    dialect: "torque",
    folder: "/shared/my jobs",
  };
  assertEquals(pbsSettings(options), {
    name: "pbs",
    workers: 6,
    workersPerJob: 3,
    queue: undefined,
    account: "biology",
    seconds: 5400,
    cpus: 2,
    memory: 4 * 2 ** 20,
    resourceList: { software: "matlab" },
    qsubArgs: ["-p", "1"],
    dialect: "torque",
  });
});

Deno.test("pbsSettings() throws if an option has the wrong type", () => {
  const cases: [Record<string, unknown>, string][] = [
    [{ account: 1 }, "'account' must be a string"],
    [{ time: 60 }, "'time' must be a string"],
    [{ cpus: "2" }, "'cpus' must be an integer"],
    [{ memory: 4 }, "'memory' must be a string"],
    [{ dialect: true }, "'dialect' must be"],
    [{ qsubArgs: [1] }, "'qsubArgs' must be an array of strings"],
    [{ resourceList: [] }, "'resourceList' must be an object"],
    [{ pe: "smp" }, "no option 'pe'"],
  ];
  for (const [options, message] of cases) {
    assertThrows(() => pbsSettings(optionsOf(options)), TypeError, message);
  }
});

Deno.test("pbsSettings() throws if an option is out of range", () => {
  const cases: [Record<string, unknown>, string][] = [
    [{ cpus: 0 }, "'cpus' must be an integer of at least 1"],
    [{ memory: "4" }, "'memory' must be an amount above 0"],
    [{ memory: "0gb" }, "'memory' must be an amount above 0"],
    [{ memory: "4G" }, "'memory' must be an amount above 0"],
    [{ time: "1h" }, "'time' must be a time above 0"],
    [{ dialect: "pbs" }, `'dialect' must be "openpbs" or "torque" or "slurm"`],
    [{ folder: "jobs" }, "'folder' must be an absolute path"],
    [{ host: "pbs://a b/1" }, "'queue' must be the name of a queue"],
    [{ host: "pbs://workq" }, "the number of workers is missing"],
  ];
  for (const [options, message] of cases) {
    assertThrows(() => pbsSettings(optionsOf(options)), RangeError, message);
  }
});
