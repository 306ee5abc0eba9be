import { assertEquals } from "@std/assert";
import { HostTally } from "../../src/scheduling/host_tally.ts";
import { call, FakeWorker } from "../helpers/fake_worker.ts";

for (
  const [what, byteLength, room] of [
    ["none while a large result arrives", 100_000_000, 0],
    ["its window's while a smaller result arrives", 1_000_000, 7],
  ] as const
) {
  Deno.test(`WorkerHandle.room is ${what}`, async () => {
    const worker = new FakeWorker(new HostTally("local"), 8);
    const { handle } = worker;
    let changes = 0;
    const received = handle.receive({ changed: () => changes++ });
    handle.send(call("a"));
    assertEquals([handle.room, changes], [7, 0]);
    await worker.beginLarge(byteLength);
    assertEquals([handle.room, changes], [room, 1]);
    await worker.hangUp();
    await received;
  });
}
