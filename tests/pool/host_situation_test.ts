import { assertEquals } from "@std/assert";
import type {
  ManagedHost,
  StartingWorkers,
} from "../../src/hosts/managed_host.ts";
import { hostSituations } from "../../src/pool/host_situation.ts";

const NONE = { joining: 0, ready: 0 };

/** Makes a host of which only this is known. */
function host(facts: Partial<ManagedHost>): ManagedHost {
  return { name: "far", kind: "ssh", ...facts } as ManagedHost;
}

/** Returns the codes of a host's situations. */
function codes(
  facts: Partial<ManagedHost>,
  joined = 0,
  others = NONE,
): string[] {
  return hostSituations(host(facts), joined, others).map(({ code }) => code);
}

/** A job that runs and hasn't connected. */
function jobs(jobsSince: number): StartingWorkers {
  return { workers: 0, since: undefined, next: undefined, jobs: 1, jobsSince };
}

Deno.test("hostSituations() says nothing of a host whose workers get calls", () => {
  assertEquals(codes({}, 2), []);
  assertEquals(codes({ kind: "joined" }, 1), []);
  assertEquals(codes({ error: new Error("some aren't there") }, 1), []);
});

Deno.test("hostSituations() says of a lost host only that", () => {
  const now = performance.now();
  const starting = { workers: 0, since: undefined, next: now + 60_000 };
  const error = new Error("pulled the plug");
  const [lost, ...others] = hostSituations(
    host({ lostSince: now - 5_000, error, starting }),
    0,
    NONE,
  );
  assertEquals(others, []);
  assertEquals(lost?.code, "lost");
  if (lost?.code !== "lost") return;
  assertEquals(lost.reason, "pulled the plug");
  assertEquals([lost.time >= 5_000, lost.left! > 0], [true, true]);
});

Deno.test("hostSituations() tells workers that start from jobs and pauses", () => {
  const since = performance.now();
  const next = since + 60_000;
  for (
    const [starting, code] of [
      [{ workers: 0, since, next: undefined }, "connecting"],
      [{ workers: 2, since, next: undefined }, "starting"],
      [{ workers: 2, since, next }, "starting"],
      [{ workers: 0, since: undefined, next }, "replacing"],
      [jobs(since), "jobs"],
    ] as const
  ) {
    assertEquals(codes({ starting }), [code]);
    assertEquals(codes({ starting }, 3), [code]);
  }
});

Deno.test("hostSituations() says several things of a cluster", () => {
  const facts: Partial<ManagedHost> = {
    kind: "slurm",
    pending: { agents: 3, reason: "Resources" },
    starting: jobs(0),
  };
  const others = { joining: 2, ready: 1 };
  assertEquals(codes(facts, 4, others), ["queued", "jobs", "joining", "ready"]);
});

Deno.test("hostSituations() tells jobs from the workers of others", () => {
  const now = performance.now();
  const starting = { ...jobs(now - 60_000), workers: 2, since: now - 1_000 };
  const [job, workers, ...others] = hostSituations(
    host({ kind: "slurm", starting }),
    0,
    NONE,
  );
  assertEquals([job?.code, workers?.code, others], ["jobs", "starting", []]);
  if (job?.code !== "jobs" || workers?.code !== "starting") return;
  assertEquals([job.jobs, workers.workers], [1, 2]);
  assertEquals([job.time >= 60_000, workers.time < 60_000], [true, true]);
});

Deno.test("hostSituations() says why a host without workers has none", () => {
  assertEquals(codes({ error: new Error("refused") }), ["failed"]);
  assertEquals(codes({ kind: "joined" }), ["awaited"]);
  assertEquals(codes({}), []);
});
