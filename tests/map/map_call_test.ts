import { assertEquals } from "@std/assert";
import type { Call } from "../../src/calls/call.ts";
import { CallKind } from "../../src/calls/call_kind.ts";
import { MapCall } from "../../src/map/map_call.ts";
import { CHUNK, TASK } from "../helpers/fake_worker.ts";

/** Records the reports of its calls. */
class Owner {
  readonly times: (number | undefined)[] = [];

  settled(_call: MapCall, _rest: unknown, microseconds?: number): void {
    this.times.push(microseconds);
  }

  cut(): MapCall[] {
    return [];
  }

  grown(): void {}

  yielded(): void {}

  consumed(): void {}

  delayed(): void {}

  resumed(): void {}

  readonly isSettled = false;

  explain(reason: unknown): unknown {
    return reason;
  }

  readonly isAwaited = true;
}

Deno.test("MapCall reports how long a worker was busy", () => {
  const owner = new Owner();
  new MapCall(owner, new CallKind(TASK), [1]).succeed(1, 5, 70);
  new MapCall(owner, CHUNK, [1, 2]).succeed([1, 2], 5, 80);
  assertEquals(owner.times, [70, 80]);
});

Deno.test("MapCall reports no duration when it ran again item by item", () => {
  const owner = new Owner();
  const chunk = new MapCall(owner, CHUNK, ["a", "b"]);
  const reruns: Call[] = [];
  chunk.rerun((call) => reruns.push(call));
  for (let index = 0; index < reruns.length; index++) {
    const [item] = reruns[index]!.payload;
    reruns[index]!.succeed(item, 3, 1_000_000);
  }
  assertEquals([chunk.values, chunk.resultBytes], [["a", "b"], 6]);
  assertEquals(owner.times, [undefined]);
});

Deno.test("MapCall reports no duration when it fails", () => {
  const owner = new Owner();
  const chunk = new MapCall(owner, CHUNK, ["a", "b"]);
  chunk.fail(new Error("failed"), ["a"]);
  assertEquals([chunk.values, owner.times], [["a"], [undefined]]);
});
