/**
 * Conformance tests of the progress of maps.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { MapProgress, TaskThis } from "../../mod.ts";
import { double, type Test, XS } from "./conformance_fixture.ts";

const failAtSevens = (x: number) => {
  if (x % 7 === 0) throw new RangeError(`bad ${x}`);
  return x;
};

/** Runs until it is cancelled. */
function wait(this: TaskThis): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  this.signal.addEventListener("abort", () => resolve());
  return promise;
}

/** Registers the tests. */
export function testProgress(test: Test): void {
  for (const chunkSize of [1, 9, "auto"] as const) {
    test(`counts the items of a map in chunks of ${chunkSize}`, async (pool) => {
      const map = pool.map(double, XS, { chunkSize });
      for await (const _ of map) {
        const { total, done, failed, running } = map.progress;
        assertEquals([total, failed], [XS.length, 0]);
        assert(done >= 1 && done + running <= XS.length);
      }
      const { phase, done, running, rate, timeLeft } = map.progress;
      assertEquals([phase, done, running], ["ended", XS.length, 0]);
      assertEquals(timeLeft, 0);
      assert(rate > 0);
    });

    test(`counts the items of a settled map in chunks of ${chunkSize}`, async (pool) => {
      const map = pool.map(failAtSevens, XS, { chunkSize }).settled();
      await map.toArray();
      const { done, failed, running } = map.progress;
      assertEquals([done, failed, running], [85, 15, 0]);
    });
  }

  test("reports the progress of a map while it runs, and its end", async (pool) => {
    const reports: MapProgress[] = [];
    const reported = Promise.withResolvers<void>();
    const map = pool.map(wait, [0, 1, 2], {
      onProgress(progress) {
        reports.push(progress);
        reported.resolve();
      },
    });
    const first = map.next();
    await reported.promise;
    await map.return!();
    await first;
    const { phase, total, done, failed } = reports[0]!;
    assert(phase !== "ended");
    assertEquals([total, done, failed], [3, 0, 0]);
    assertEquals(reports.at(-1)!.phase, "ended");
    assertEquals(reports.at(-1)!.running, 0);
  });
}
