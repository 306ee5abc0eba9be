import { assertEquals, assertLess } from "@std/assert";
import type {
  HostReading,
  PoolReading,
  WaitingWork,
} from "../../src/scaling/readings.ts";
import { ScalingPolicy } from "../../src/scaling/scaling_policy.ts";
import { Random } from "../helpers/random.ts";

const START_TIME = 100;
const IDLE = 10_000;

/** Hosts, by name. */
const HOSTS = { a: { name: "a" }, b: { name: "b" } };

type HostName = keyof typeof HOSTS;
type HostObject = typeof HOSTS[HostName];

/** A host without workers that may have up to 32. */
function host(name: HostName, reading: Partial<HostReading> = {}): HostReading {
  return {
    host: HOSTS[name],
    range: { min: 0, max: 32, idle: IDLE },
    isUsable: true,
    connected: 0,
    starting: 0,
    startTime: START_TIME,
    stepPause: 50,
    mayGrow: true,
    idle: [],
    ...reading,
  };
}

/** Calls that wait for any host. */
function waiting(items: number, hasMore = false): WaitingWork {
  return { key: "any", hosts: undefined, items, hasMore };
}

/** A pool whose items take 10 ms. */
function pool(
  hosts: HostReading[],
  work: WaitingWork[],
  reading: Partial<PoolReading> = {},
): PoolReading {
  return {
    now: 0,
    work,
    microseconds: 10_000,
    concurrency: 1,
    hosts,
    ...reading,
  };
}

/** Returns how many workers hosts should have, by name, if that changes. */
function decide(reading: PoolReading, policy = new ScalingPolicy()): unknown {
  const changes = policy.decide(reading);
  return Object.fromEntries(
    changes.map(({ host, workers }) => [(host as HostObject).name, workers]),
  );
}

Deno.test("ScalingPolicy.decide() starts a worker at once if there is none", () => {
  const one = [waiting(1)];
  assertEquals(decide(pool([host("a")], one)), { a: 1 });
  assertEquals(decide(pool([host("a")], one, { microseconds: 0 })), { a: 1 });
  assertEquals(decide(pool([host("a")], [waiting(0, true)])), { a: 1 });
  assertEquals(decide(pool([host("a")], [waiting(0)])), {});
});

Deno.test("ScalingPolicy.decide() grows if the work takes longer than a start", () => {
  const four = host("a", { connected: 4 });
  assertEquals(decide(pool([four], [waiting(40)])), {});
  assertEquals(decide(pool([four], [waiting(41)])), { a: 5 });
  assertEquals(decide(pool([four], [waiting(60)])), { a: 6 });
  const slow = { ...four, startTime: 200 };
  assertEquals(decide(pool([slow], [waiting(80)])), {});
});

Deno.test("ScalingPolicy.decide() at most doubles the workers, up to the maximum", () => {
  const work = [waiting(10_000)];
  const grow = (reading: Partial<HostReading>) =>
    decide(pool([host("a", reading)], work));
  assertEquals(grow({ connected: 4 }), { a: 8 });
  assertEquals(grow({ connected: 4, starting: 3 }), { a: 14 });
  assertEquals(grow({ connected: 20 }), { a: 32 });
  assertEquals(grow({ connected: 32 }), {});
});

Deno.test("ScalingPolicy.decide() pauses between steps", () => {
  const policy = new ScalingPolicy();
  const work = [waiting(10_000)];
  const at = (now: number, reading: Partial<HostReading>) =>
    decide(pool([host("a", reading)], work, { now }), policy);
  assertEquals(at(0, {}), { a: 1 });
  assertEquals(at(49, { starting: 1 }), {});
  assertEquals(at(50, { starting: 1 }), { a: 2 });
  const slow = { connected: 2, stepPause: 1_000 };
  assertEquals(at(1_049, slow), {});
  assertEquals(at(1_050, slow), { a: 4 });
});

Deno.test("ScalingPolicy.decide() starts no more workers than calls wait", () => {
  const long = { microseconds: 60_000_000 };
  const busy = host("a", { connected: 4 });
  assertEquals(decide(pool([busy], [waiting(1)], long)), { a: 5 });
  const starting = host("a", { connected: 4, starting: 1 });
  assertEquals(decide(pool([starting], [waiting(1)], long)), {});
  const three = { ...long, concurrency: 3 };
  assertEquals(decide(pool([busy], [waiting(4)], three)), { a: 6 });
});

Deno.test("ScalingPolicy.decide() doesn't grow while it isn't known how long calls take", () => {
  const one = host("a", { connected: 1 });
  assertEquals(decide(pool([one], [waiting(99)], { microseconds: 0 })), {});
});

Deno.test("ScalingPolicy.decide() grows for an unknown number of items after a start time", () => {
  const policy = new ScalingPolicy();
  const one = host("a", { connected: 1 });
  const at = (now: number, hasMore: boolean) =>
    decide(pool([one], [waiting(0, hasMore)], { now }), policy);
  assertEquals(at(0, true), {});
  assertEquals(at(99, true), {});
  assertEquals(at(100, true), { a: 2 });
  assertEquals(at(200, false), {});
  assertEquals(at(201, true), {});
  assertEquals(at(301, true), { a: 2 });
});

Deno.test("ScalingPolicy.decide() grows the host first whose workers start soonest", () => {
  const far = host("b", { startTime: 1_000 });
  const near = host("a");
  assertEquals(decide(pool([far, near], [waiting(1)])), { a: 1 });
  const full = host("a", { connected: 32 });
  assertEquals(decide(pool([far, full], [waiting(3_200)])), {});
  assertEquals(decide(pool([far, full], [waiting(3_201)])), { b: 1 });
});

Deno.test("ScalingPolicy.decide() counts the workers of hosts that don't grow", () => {
  const fixed = host("b", { range: undefined, connected: 4 });
  assertEquals(decide(pool([fixed, host("a")], [waiting(40)])), {});
  assertEquals(decide(pool([fixed, host("a")], [waiting(41)])), { a: 1 });
});

Deno.test("ScalingPolicy.decide() grows only the host where the work must run", () => {
  const hosts = [host("a"), host("b", { startTime: 1_000 })];
  const bound = { ...waiting(1), key: "b", hosts: new Set([HOSTS.b]) };
  assertEquals(decide(pool(hosts, [waiting(0), bound])), { b: 1 });
  const both = [waiting(200), { ...bound, items: 100 }];
  const range = { min: 0, max: 10, idle: IDLE };
  const full = host("b", { connected: 10, range });
  const busy = [host("a", { connected: 1 }), full];
  assertEquals(decide(pool(busy, [waiting(0), both[1]!])), {});
  assertEquals(decide(pool(busy, both)), { a: 2 });
});

Deno.test("ScalingPolicy.decide() grows no host that is lost or refuses workers", () => {
  const work = [waiting(1)];
  const lost = host("a", { isUsable: false, starting: 4 });
  const full = host("a", { mayGrow: false, starting: 4 });
  for (const useless of [lost, full]) {
    assertEquals(decide(pool([useless], work)), {});
    // Another host replaces what may take long.
    const other = host("b", { startTime: 1_000 });
    assertEquals(decide(pool([useless, other], work)), { b: 1 });
  }
});

Deno.test("ScalingPolicy.decide() keeps the minimum", () => {
  const range = { min: 3, max: 8, idle: IDLE };
  assertEquals(decide(pool([host("a", { range })], [])), { a: 3 });
  const idle = [
    { workers: 1, milliseconds: IDLE + 2 },
    { workers: 1, milliseconds: IDLE + 1 },
  ];
  const four = host("a", { range, connected: 4, idle });
  assertEquals(new ScalingPolicy().decide(pool([four], [])), [
    { host: HOSTS.a, workers: 3, ending: 1 },
  ]);
});

Deno.test("ScalingPolicy.decide() ends the workers that were idle for long", () => {
  const idle = [
    { workers: 1, milliseconds: IDLE + 5 },
    { workers: 1, milliseconds: IDLE },
    { workers: 1, milliseconds: IDLE - 1 },
  ];
  const five = host("a", { connected: 5, idle });
  assertEquals(new ScalingPolicy().decide(pool([five], [])), [
    { host: HOSTS.a, workers: 3, ending: 2 },
  ]);
});

Deno.test("ScalingPolicy.decide() ends workers together that belong together", () => {
  const idle = [
    { workers: 4, milliseconds: IDLE },
    { workers: 4, milliseconds: IDLE },
  ];
  const range = { min: 2, max: 32, idle: IDLE };
  const eight = host("a", { connected: 8, range, idle });
  assertEquals(new ScalingPolicy().decide(pool([eight], [])), [
    { host: HOSTS.a, workers: 4, ending: 1 },
  ]);
});

Deno.test("ScalingPolicy.decide() calls off workers that start for work that is gone", () => {
  const policy = new ScalingPolicy();
  const five = host("a", { connected: 1, starting: 4 });
  assertEquals(decide(pool([five], [waiting(30)]), policy), {});
  assertEquals(decide(pool([five], [], { now: IDLE - 1 }), policy), {});
  assertEquals(decide(pool([five], [], { now: IDLE }), policy), { a: 1 });
});

/** How many milliseconds a step of a simulation takes. */
const STEP = 10;

/** A pool with one host, simulated. */
class Simulation {
  /** How many workers were started. */
  started = 0;
  /** The most workers at a time. */
  peak = 0;
  /** For how long there were workers, in milliseconds, added up. */
  total = 0;
  /** When each call was done. */
  readonly done: number[] = [];
  #now = 0;
  #starting: number[] = [];
  /** For each worker, when it is or was done. */
  #workers: number[] = [];
  readonly #calls: number[] = [];
  readonly #policy = new ScalingPolicy();
  readonly #taskTime: number;

  constructor(taskTime: number) {
    this.#taskTime = taskTime;
  }

  get workers(): number {
    return this.#workers.length + this.#starting.length;
  }

  get waiting(): number {
    return this.#calls.length;
  }

  submit(calls: number): void {
    for (let count = 0; count < calls; count++) this.#calls.push(this.#now);
  }

  /** Lets time pass. */
  run(milliseconds: number): void {
    for (const end = this.#now + milliseconds; this.#now < end;) {
      this.#join();
      this.#work();
      this.#scale();
      this.peak = Math.max(this.peak, this.workers);
      this.total += this.workers * STEP;
      this.#now += STEP;
    }
  }

  #join(): void {
    const joined = this.#starting.filter((at) => at <= this.#now);
    this.#starting = this.#starting.filter((at) => at > this.#now);
    this.#workers.push(...joined.map(() => this.#now));
  }

  #work(): void {
    this.#workers = this.#workers.map((doneAt) => {
      if (doneAt > this.#now || this.#calls.length === 0) return doneAt;
      this.#calls.shift();
      this.done.push(this.#now + this.#taskTime);
      return this.#now + this.#taskTime;
    });
  }

  #scale(): void {
    const idle = this.#workers.filter((doneAt) => doneAt <= this.#now)
      .toSorted((one, other) => one - other)
      .map((at) => ({ workers: 1, milliseconds: this.#now - at }));
    const reading = host("a", {
      connected: this.#workers.length,
      starting: this.#starting.length,
      idle,
    });
    const known = this.done.some((at) => at <= this.#now);
    const [change] = this.#policy.decide(
      pool([reading], [waiting(this.#calls.length)], {
        now: this.#now,
        microseconds: known ? this.#taskTime * 1_000 : 0,
      }),
    );
    if (change === undefined) return;
    const { workers, ending } = change;
    for (; this.workers < workers; this.started++) {
      this.#starting.push(this.#now + START_TIME);
    }
    const ended = this.#workers.toSorted((one, other) => one - other)
      .slice(0, ending);
    for (const at of ended) {
      this.#workers.splice(this.#workers.indexOf(at), 1);
    }
    this.#starting.length = Math.max(0, workers - this.#workers.length);
  }
}

Deno.test("ScalingPolicy grows from 0 to the maximum and back with a burst", () => {
  const run = new Simulation(50);
  run.run(1_000);
  assertEquals(run.started, 0);
  run.submit(2_000);
  run.run(1_000);
  assertEquals(run.workers, 32);
  run.run(4_000 + IDLE);
  assertEquals([run.done.length, run.workers, run.started], [2_000, 0, 32]);
  // A fixed pool of 32 would have taken a start and 2,000 / 32 tasks.
  const last = Math.max(...run.done) - 1_000;
  assertLess(last, (START_TIME + Math.ceil(2_000 / 32) * 50) * 1.25);
});

Deno.test("ScalingPolicy keeps the workers between bursts that come soon enough", () => {
  const run = new Simulation(50);
  for (let burst = 0; burst < 10; burst++) {
    run.submit(500);
    run.run(IDLE - 1_000);
  }
  assertEquals([run.workers, run.started], [32, 32]);
});

Deno.test("ScalingPolicy keeps few workers for a load that needs few", () => {
  const run = new Simulation(50);
  for (let call = 0; call < 1_000; call++) {
    run.submit(1);
    run.run(100);
  }
  assertEquals([run.peak, run.started], [1, 1]);
});

Deno.test("ScalingPolicy ends no worker under a steady load", () => {
  const run = new Simulation(200);
  for (let second = 0; second < 300; second++) {
    run.submit(27);
    run.run(1_000);
  }
  assertEquals([run.started, run.workers], [run.peak, run.peak]);
  assertLess(run.peak, 27);
});

Deno.test("ScalingPolicy doesn't start and end workers in turn under a random load", () => {
  const random = new Random(1);
  const run = new Simulation(300);
  const seconds = 2_000;
  for (let second = 0; second < seconds; second++) {
    // The load comes and goes in a time like that after which workers end.
    const load = 1 + Math.sin(second / 7);
    run.submit(random.below(20 * load));
    run.run(1_000);
  }
  // A worker lives for as long as it may be idle, at least.
  const periods = seconds * 1_000 / IDLE;
  assertLess(run.started, run.peak * periods / 4);
  run.run(30_000 + IDLE);
  assertEquals([run.workers, run.waiting], [0, 0]);
});
