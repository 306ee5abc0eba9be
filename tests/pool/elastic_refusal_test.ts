import { assertEquals } from "@std/assert";
import type { ManagedHost } from "../../src/hosts/managed_host.ts";
import { ElasticHosts } from "../../src/pool/elastic_hosts.ts";
import { PoolHosts } from "../../src/pool/pool_hosts.ts";
import type { PoolWorkers } from "../../src/pool/pool_workers.ts";
import type { Scheduler } from "../../src/scheduling/scheduler.ts";
import { FakeTime } from "../helpers/fake_time.ts";

/** A worker that is busy. */
const BUSY = { lost: false, isRetired: false, idleTime: 0, place: {} };

Deno.test("Pool doesn't take workers that were refused for workers that start slowly", async () => {
  using time = new FakeTime();
  const { now } = performance;
  performance.now = () => time.now;
  try {
    const host = {
      name: "batch",
      kind: "slurm",
      range: { min: 0, max: 100, idle: Infinity },
      workers: 0,
      refusals: 0,
      expectsWorkers: true,
      resize: (workers: number) => host.workers = workers,
    };
    const hosts = new PoolHosts([host as unknown as ManagedHost], 0);
    const [managed] = hosts.present as [ManagedHost];
    const connected: typeof BUSY[] = [];
    const elastic = new ElasticHosts({
      hosts,
      concurrency: 1,
      scheduler: {
        // Each of the items takes as long as a worker usually takes to start.
        waitingWork: [{ placement: undefined, items: 20, hasMore: false }],
        presentMicroseconds: 10_000_000,
        isIdle: false,
      } as unknown as Scheduler,
      workers: {
        byTally: () => new Map([[hosts.tallyOf(managed), connected]]),
        isWaiting: () => false,
      } as unknown as PoolWorkers,
    });
    const join = () => {
      connected.push(BUSY);
      elastic.joined(managed);
    };
    elastic.start();
    await time.runMicrotasks();
    assertEquals(host.workers, 1);
    host.workers = 0;
    host.refusals++;
    time.tick(50);
    assertEquals(host.workers, 0);
    time.tick(60_000);
    for (const workers of [1, 2, 4]) {
      assertEquals(host.workers, workers);
      time.tick(1_000);
      while (connected.length < workers) join();
      time.tick(50);
    }
    assertEquals(host.workers, 8);
    elastic.stop();
  } finally {
    performance.now = now;
  }
});
