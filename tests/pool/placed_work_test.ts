import { assertEquals } from "@std/assert";
import { CallKind } from "../../src/calls/call_kind.ts";
import { Placement, type PlacementTerms } from "../../src/calls/placement.ts";
import { PromisedCall } from "../../src/calls/promised_call.ts";
import type { HostKind } from "../../src/hosts/host.ts";
import type { ManagedHost } from "../../src/hosts/managed_host.ts";
import { placeOf, type WorkerPlace } from "../../src/options/place.ts";
import { placedWork } from "../../src/pool/placed_work.ts";
import { HostBench, TASK } from "../helpers/fake_worker.ts";

/** Makes a host as far as its work is concerned. */
function host(
  name: string,
  kind: HostKind,
  place: Partial<WorkerPlace> = {},
): ManagedHost {
  return { name, kind, place: placeOf(place) } as ManagedHost;
}

/** Returns the names of hosts for the work that waits, and how much it is. */
function placed(bench: HostBench, ...hosts: ManagedHost[]): unknown[] {
  return placedWork(bench.scheduler, hosts).map(({ hosts, items }) => [
    hosts && [...hosts].map((host) => (host as ManagedHost).name),
    items,
  ]);
}

/** Submits calls that no worker can run yet. */
function submit(bench: HostBench, terms: PlacementTerms, count: number): void {
  const placement = Placement.of({ ...terms, mayWait: true });
  for (let number = 0; number < count; number++) {
    const kind = new CallKind(TASK, { placement, retries: 0 });
    const call = new PromisedCall<unknown>(kind, [number], undefined);
    call.promise.catch(() => {});
    bench.scheduler.submit(call);
  }
}

Deno.test("placedWork() names no hosts for calls that may run anywhere", async () => {
  await using bench = new HostBench();
  submit(bench, {}, 3);
  assertEquals(placed(bench, host("a", "local")), [[undefined, 3]]);
});

Deno.test("placedWork() names the hosts that have the labels", async () => {
  await using bench = new HostBench();
  submit(bench, { where: { region: "eu" } }, 3);
  const eu = { labels: { region: "eu" } };
  const hosts = [
    host("a", "ssh", eu),
    host("b", "ssh"),
    host("c", "slurm", eu),
  ];
  assertEquals(placed(bench, ...hosts), [[["a", "c"], 3]]);
});

Deno.test("placedWork() counts no more calls than a machine has resources for", async () => {
  await using bench = new HostBench();
  submit(bench, { resources: { gpu: 1 } }, 9);
  const one = host("a", "local", { resources: { gpu: 1 } });
  const two = host("b", "ssh", { resources: { gpu: 2 } });
  const none = host("c", "ssh");
  assertEquals(placed(bench, one, two, none), [[["a", "b"], 3]]);
  const queue = host("d", "slurm", { resources: { gpu: 1 } });
  assertEquals(placed(bench, one, queue), [[["a", "d"], 9]]);
});

Deno.test("placedWork() asks machines for no more than waits", async () => {
  await using bench = new HostBench();
  const { scheduler } = bench;
  const asked: number[] = [];
  scheduler.free = (_placement, _place, most) => {
    asked.push(most);
    return most;
  };
  submit(bench, { resources: { gpu: 1 } }, 3);
  submit(bench, { resources: { gpu: 2 } }, 1);
  const machine = host("a", "local", { resources: { gpu: 9_999 } });
  assertEquals(placed(bench, machine), [[["a"], 3], [["a"], 1]]);
  assertEquals(asked, [3, 1]);
});
