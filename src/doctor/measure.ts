import type {
  PingAnswer,
  RemoteSpawner,
} from "../hosts/remote/remote_spawner.ts";
import type { TaskRunner } from "../pool/task_runner.ts";

/** The most tasks that are sent one after the other. */
const MAX_ROUND_TRIPS = 200;

/** The time limit for these tasks, in milliseconds. At least one is sent. */
const ROUND_TRIPS_TIME = 300;

/** The duration of the throughput measurement, in milliseconds. */
const THROUGHPUT_TIME = 500;

/** The most requests for the clock. */
const MAX_PINGS = 10;

/** The time limit for these requests, in milliseconds. At least one is sent. */
const PINGS_TIME = 150;

/** The round trips of some tasks. */
export interface RoundTrips {
  /** The median, in milliseconds. */
  readonly median: number;
  /** The number of tasks. */
  readonly count: number;
}

/** Measures the round trip of a task that does nothing. */
export async function measureRoundTrip(
  runner: TaskRunner,
): Promise<RoundTrips> {
  const task = (x: number) => x;
  // The first call also sends the task's source.
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

/** Measures how many tasks that do nothing run per second. */
export async function measureThroughput(runner: TaskRunner): Promise<number> {
  const begin = performance.now();
  let count = 0;
  let elapsed = 0;
  // With chunkSize 1, each task is a call of its own.
  const results = runner.map((x: number) => x, naturals(), { chunkSize: 1 });
  for await (const _ of results) {
    count++;
    elapsed = performance.now() - begin;
    if (elapsed >= THROUGHPUT_TIME) break;
  }
  return count / elapsed * 1_000;
}

/** Requests the time repeatedly; the fastest answer is the most accurate. */
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
