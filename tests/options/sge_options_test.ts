import { assertEquals, assertThrows } from "@std/assert";
import { type SgeOptions, sgeSettings } from "../../src/options/sge_options.ts";

function optionsOf(options: Record<string, unknown>): SgeOptions {
  return { host: "sge://all.q/4", ...options } as SgeOptions;
}

Deno.test("sgeSettings() fills in the defaults", () => {
  assertEquals(sgeSettings({ host: "sge://all.q/32" }), {
    name: "all.q",
    workers: 32,
    workersPerJob: 1,
    queue: "all.q",
    project: undefined,
    seconds: undefined,
    cpus: 1,
    pe: undefined,
    resourceList: {},
    qsubArgs: [],
  });
});

Deno.test("sgeSettings() reads all options", () => {
  const options: SgeOptions = {
    host: "sge:///6",
    name: "grid",
    workersPerJob: 3,
    project: "biology",
    time: "36:00:01",
    cpus: 2,
    pe: "smp",
    resourceList: { mem_free: "4G", gpu: 1, exclusive: true },
    qsubArgs: ["-notify"],
    folder: "/shared/my jobs",
    env: { A: "1" },
  };
  assertEquals(sgeSettings(options), {
    name: "grid",
    workers: 6,
    workersPerJob: 3,
    queue: undefined,
    project: "biology",
    seconds: 129_601,
    cpus: 2,
    pe: "smp",
    resourceList: { mem_free: "4G", gpu: 1, exclusive: true },
    qsubArgs: ["-notify"],
  });
});

Deno.test("sgeSettings() reads queues, queue instances and patterns", () => {
  for (const queue of ["all.q", "all.q@node1", "*@@group", "a.q,b.q"]) {
    assertEquals(sgeSettings({ host: `sge://${queue}/1` }).queue, queue);
  }
  for (const queue of ["-q", "a b"]) {
    assertThrows(
      () => sgeSettings({ host: `sge://${queue}/1` }),
      RangeError,
      "'queue' must be the name of a queue",
    );
  }
});

Deno.test("sgeSettings() reads times in seconds or as hh:mm:ss", () => {
  assertEquals(sgeSettings(optionsOf({ time: "5400" })).seconds, 5400);
  assertEquals(sgeSettings(optionsOf({ time: "1:30:00" })).seconds, 5400);
  for (
    const time of ["", "0", "0:00:00", "90:00", "1:60:00", "1:00:60", "2h"]
  ) {
    assertThrows(
      () => sgeSettings(optionsOf({ time })),
      RangeError,
      `In the host "sge://all.q/4" 'time' must be a time above 0`,
    );
  }
});

Deno.test("sgeSettings() needs a parallel environment for many slots", () => {
  for (const options of [{ cpus: 2 }, { workersPerJob: 2 }]) {
    assertThrows(
      () => sgeSettings(optionsOf(options)),
      RangeError,
      "name it in the option 'pe'",
    );
    sgeSettings(optionsOf({ ...options, pe: "smp" }));
  }
});

Deno.test("sgeSettings() throws if an option has the wrong type", () => {
  const cases: [Record<string, unknown>, string][] = [
    [{ project: 1 }, "'project' must be a string"],
    [{ time: 60 }, "'time' must be a string"],
    [{ cpus: "2" }, "'cpus' must be an integer"],
    [{ pe: ["smp", 2] }, "'pe' must be a string"],
    [{ qsubArgs: "-p 1" }, "'qsubArgs' must be an array of strings"],
    [{ resourceList: "gpu=1" }, "'resourceList' must be an object"],
    [{ resourceList: { gpu: null } }, "'resourceList.gpu' must be a string"],
    [{ partition: "short" }, "no option 'partition'"],
  ];
  for (const [options, message] of cases) {
    assertThrows(() => sgeSettings(optionsOf(options)), TypeError, message);
  }
});

Deno.test("sgeSettings() throws if an option is out of range", () => {
  const cases: [Record<string, unknown>, string][] = [
    [{ cpus: 0 }, "'cpus' must be an integer of at least 1"],
    [{ folder: "jobs" }, "'folder' must be an absolute path"],
    [{ folder: "/a:b" }, "'folder' must be an absolute path"],
    [{ folder: "/$HOME" }, "'folder' must be an absolute path"],
    [{ resourceList: { "a b": 1 } }, "'resourceList' must be"],
    [{ resourceList: { gpu: "1,q=x" } }, "a value without commas and spaces"],
    [{ resourceList: { gpu: "" } }, "a value without commas and spaces"],
    [{ workers: 5 }, "the number of workers is both 5 and 4"],
  ];
  for (const [options, message] of cases) {
    assertThrows(() => sgeSettings(optionsOf(options)), RangeError, message);
  }
  assertThrows(
    () => sgeSettings({ host: "sge://all.q" }),
    RangeError,
    "the number of workers is missing",
  );
});
