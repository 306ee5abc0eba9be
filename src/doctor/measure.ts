import type {
  PingAnswer,
  RemoteSpawner,
} from "../hosts/remote/remote_spawner.ts";
import type { TaskRunner } from "../pool/task_runner.ts";

/** How many tasks are sent one after the other at the most. */
const MAX_ROUND_TRIPS = 200;

/** How long that may go on, in milliseconds; one is sent in any case. */
const ROUND_TRIPS_TIME = 300;

/** How long tasks are done as fast as can be, in milliseconds. */
const THROUGHPUT_TIME = 500;

/** How often the clock is asked for at the most. */
const MAX_PINGS = 10;

/** How long that may go on, in milliseconds; it is asked once in any case. */
const PINGS_TIME = 150;

/** How long tasks took there and back. */
export interface RoundTrips {
  /** Half of them took at most as long, in milliseconds. */
  readonly median: number;
  /** How many there were. */
  readonly count: number;
}

/** Measures how long it takes to get the result of a task that does nothing. */
export async function measureRoundTrip(
  runner: TaskRunner,
): Promise<RoundTrips> {
  const task = (x: number) => x;
  // The first one brings its source along.
  await runner.run(task, 0);
  const times: number[] = [];
  const end = performance.now() + ROUND_TRIPS_TIME;
  do {
    const begin = performance.now();
    await runner.run(task, times.length);
    times.push(performance.now() - begin);
  } while (times.length < MAX_ROUND_TRIPS && performance.now() < end);
  times.sort((a, b) => a - b);
  return { median: times[Math.floor(times.length / 2)]!, count: times.length };
}

/** Measures how many tasks that do nothing are done in a second. */
export async function measureThroughput(runner: TaskRunner): Promise<number> {
  const begin = performance.now();
  let count = 0;
  let elapsed = 0;
  // Each task travels as a call of its own: it's about those.
  const results = runner.map((x: number) => x, naturals(), { chunkSize: 1 });
  for await (const _ of results) {
    count++;
    elapsed = performance.now() - begin;
    if (elapsed >= THROUGHPUT_TIME) break;
  }
  return count / elapsed * 1_000;
}

/** Asks for the time several times: the fastest answer is the most exact. */
export async function measureClock(
  spawner: Pick<RemoteSpawner, "ping">,
): Promise<PingAnswer> {
  const end = performance.now() + PINGS_TIME;
  let best = await spawner.ping();
  for (let n = 1; n < MAX_PINGS && performance.now() < end; n++) {
    const answer = await spawner.ping();
    if (answer.roundTrip < best.roundTrip) best = answer;
  }
  return best;
}

function* naturals(): Generator<number> {
  for (let n = 0;; n++) yield n;
}
