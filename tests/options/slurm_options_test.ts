import { assertEquals, assertThrows } from "@std/assert";
import {
  type SlurmOptions,
  slurmSettings,
} from "../../src/options/slurm_options.ts";

/** Runs a function in the environment of a job of Slurm. */
function inJob<T>(cpusPerNode: string, fn: () => T): T {
  const variables = {
    SLURM_JOB_ID: "7",
    SLURM_JOB_CPUS_PER_NODE: cpusPerNode,
  };
  for (const [name, value] of Object.entries(variables)) {
    Deno.env.set(name, value);
  }
  try {
    return fn();
  } finally {
    Object.keys(variables).forEach((name) => Deno.env.delete(name));
  }
}

Deno.test("slurmSettings() reads the spec and fills in the defaults", () => {
  assertEquals(slurmSettings({ host: "slurm://short/64" }), {
    name: "short",
    workers: 64,
    workersPerJob: 1,
    allocation: undefined,
    partition: "short",
    account: undefined,
    time: undefined,
    seconds: undefined,
    constraint: undefined,
    gres: undefined,
    cpus: 1,
    memory: undefined,
    array: true,
    sbatchArgs: [],
  });
  const { name, partition, workers } = slurmSettings({ host: "slurm:///8" });
  assertEquals([name, partition, workers], ["slurm", undefined, 8]);
});

Deno.test("slurmSettings() reads the times and amounts of Slurm", () => {
  const seconds = (time: string) =>
    slurmSettings({ host: "slurm://short/1", time }).seconds;
  assertEquals(
    ["90", "1:30", "2:00:05", "1-0", "1-2:03", "1-02:03:04"].map(seconds),
    [5_400, 90, 7_205, 86_400, 93_780, 93_784],
  );
  const kibibytes = (memory: string) =>
    slurmSettings({ host: "slurm://short/1", memory }).memory;
  assertEquals(
    ["8K", "512M", "4g", "1T"].map(kibibytes),
    [8, 524_288, 4_194_304, 1_073_741_824],
  );
});

Deno.test("slurmSettings() refuses wrong options and names them", () => {
  const cases: [Partial<SlurmOptions>, typeof Error, string][] = [
    [{ host: "slurm://short" }, RangeError, "number of workers is missing"],
    [{ host: "slurm://short/0" }, RangeError, "'workers' must be an integer"],
    [{ host: "slurm://" }, RangeError, "SLURM_JOB_ID isn't set"],
    [{ host: "slurm://a b/2" }, RangeError, "'partition' must be the name"],
    [{ host: "slurm://-x/2" }, RangeError, "'partition' must be the name"],
    [{ workers: 3 }, RangeError, "both 3 and 2"],
    [{ time: "soon" }, RangeError, "'time' must be a time above 0"],
    [{ time: "0:00" }, RangeError, "'time' must be a time above 0"],
    [{ memory: "4" }, RangeError, "'memory' must be an amount"],
    [{ memory: "0G" }, RangeError, "'memory' must be an amount"],
    [{ cpus: 0 }, RangeError, "'cpus' must be an integer of at least 1"],
    [{ folder: "jobs" }, RangeError, "'folder' must be an absolute path"],
    [{ folder: "/%u" }, RangeError, "'folder' must be an absolute path"],
    [{ account: 1 as unknown as string }, TypeError, "'account' must be"],
    [{ sbatchArgs: "-x" as unknown as [] }, TypeError, "'sbatchArgs' must be"],
    [{ array: 1 as unknown as true }, TypeError, "'array' must be true"],
    [{ qos: "low" } as unknown as SlurmOptions, TypeError, "option 'qos'"],
  ];
  for (const [options, error, message] of cases) {
    const all = { host: "slurm://short/2", ...options };
    assertThrows(() => slurmSettings(all), error, message);
    assertThrows(() => slurmSettings(all), error, `host "${all.host}"`);
  }
});

Deno.test("slurmSettings() uses the job of the program if there is no partition", () => {
  const settings = (cpusPerNode: string, options: Partial<SlurmOptions> = {}) =>
    inJob(cpusPerNode, () => {
      const { name, allocation, workers, workersPerJob } = slurmSettings({
        host: "slurm://",
        ...options,
      });
      return [name, allocation, workers, workersPerJob];
    });
  assertEquals(settings("4"), ["slurm", "7", 4, 4]);
  assertEquals(settings("4(x2),2"), ["slurm", "7", 10, 2]);
  assertEquals(settings("4(x2)", { cpus: 2 }), ["slurm", "7", 4, 2]);
  assertEquals(settings("4(x2)", { workers: 3 }), ["slurm", "7", 3, 1]);
  assertThrows(() => settings("4", { cpus: 5 }), RangeError, "'cpus'");
  assertThrows(() => settings("4", { time: "9" }), RangeError, "'time'");
});
