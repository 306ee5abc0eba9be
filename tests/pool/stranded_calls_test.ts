import { assertEquals } from "@std/assert";
import type { ManagedHost } from "../../src/hosts/managed_host.ts";
import { PoolHosts } from "../../src/pool/pool_hosts.ts";
import { StrandedCalls } from "../../src/pool/stranded_calls.ts";
import { FakeTime } from "../helpers/fake_time.ts";
import { Bench } from "../helpers/scheduler_fixture.ts";

/** How long calls wait for a lost host, in milliseconds. */
const HOST_TIMEOUT = 1_000;

/** Lets the clock run ahead by some milliseconds at each look. */
class EagerClock implements Disposable {
  readonly #now = performance.now;

  constructor(step: number) {
    let ahead = 0;
    performance.now = () => this.#now.call(performance) + (ahead += step);
  }

  [Symbol.dispose](): void {
    performance.now = this.#now;
  }
}

Deno.test("StrandedCalls fails calls if the time of the last host ends at any moment", async () => {
  await using bench = new Bench();
  const { scheduler } = bench;
  // The time may end before, between and after the looks at the clock.
  for (let looks = 0; looks <= 4; looks++) {
    using time = new FakeTime();
    using _clock = new EagerClock(1);
    const lost = {
      name: "far",
      kind: "ssh",
      expectsWorkers: true,
      lostSince: performance.now() - HOST_TIMEOUT + looks + 0.5,
    } as ManagedHost;
    let strandings = 0;
    const calls = new StrandedCalls({
      scheduler,
      hosts: new PoolHosts([lost], HOST_TIMEOUT),
      isReady: () => true,
      onStranded: () => strandings++,
    });
    calls.fail();
    time.tick(HOST_TIMEOUT);
    assertEquals(strandings, 1, `after ${looks} looks at the clock`);
    calls.stop();
  }
});
