import { FakeTime } from "./fake_time.ts";

/**
 * Fakes time that also passes by itself, at the rate of real time, for tests of
 * pools: their other timers go on, and the test stays alive while it waits for
 * workers, although the timers that keep programs alive are fake.
 *
 * Pools must be created and end within its scope: a real timer may have the
 * number of a fake one.
 */
export function flowingTime(): FakeTime {
  return new FakeTime(null, { advanceRate: 1 });
}
