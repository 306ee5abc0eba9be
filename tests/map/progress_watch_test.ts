import { assertEquals } from "@std/assert";
import { ProgressWatch } from "../../src/map/progress_watch.ts";
import type { MapProgress } from "../../src/options/map_progress.ts";
import { FakeTime } from "../helpers/fake_time.ts";

/** A map that has reported nothing yet, its watch and what that reports. */
class Fixture {
  readonly reports: MapProgress[] = [];
  readonly #time = new FakeTime();
  readonly #begin = Date.now();
  readonly watch: ProgressWatch;
  isAwaited = true;
  done = 0;
  running = 1;
  phase: MapProgress["phase"] = "running";

  constructor() {
    this.watch = new ProgressWatch(this);
    this.watch.add((progress) => this.reports.push(progress));
  }

  get progress(): MapProgress {
    const { done, running, phase } = this;
    const elapsed = Date.now() - this.#begin;
    return {
      task: "task",
      phase,
      total: 10,
      done,
      failed: 0,
      running,
      elapsed,
      rate: 1,
      timeLeft: 1,
    };
  }

  /** When the reports came. */
  get times(): number[] {
    return this.reports.map(({ elapsed }) => elapsed);
  }

  /** Lets the time pass. */
  pass(milliseconds: number): void {
    this.#time.tick(milliseconds);
  }

  [Symbol.dispose](): void {
    this.#time.restore();
  }
}

Deno.test("ProgressWatch reports changes at most ten times a second", () => {
  using map = new Fixture();
  map.watch.requested();
  for (let step = 0; step < 50; step++) {
    map.done++;
    map.pass(10);
  }
  assertEquals(map.times, [100, 200, 300, 400, 500]);
});

Deno.test("ProgressWatch reports once a second while nothing changes", () => {
  using map = new Fixture();
  map.watch.requested();
  map.pass(3_200);
  assertEquals(map.times, [100, 1_100, 2_100, 3_100]);
});

Deno.test("ProgressWatch reports nothing while a map that nobody reads stands still", () => {
  using map = new Fixture();
  map.watch.requested();
  map.pass(100);
  map.isAwaited = false;
  map.running = 0;
  map.pass(10_000);
  assertEquals(map.times, [100, 200]);

  map.watch.requested();
  map.running = 1;
  map.pass(100);
  assertEquals(map.times, [100, 200, 10_200]);
});

Deno.test("ProgressWatch reports the end at once, and nothing after it", () => {
  using map = new Fixture();
  map.watch.requested();
  map.pass(150);
  map.phase = "ended";
  map.watch.ended();
  map.watch.ended();
  map.watch.requested();
  map.pass(1_000);
  assertEquals(map.times, [100, 150]);
  assertEquals(map.reports.at(-1)?.phase, "ended");
});

Deno.test("ProgressWatch reports nothing to others after the end if a listener ends the map", () => {
  using map = new Fixture();
  map.watch.add(({ phase }) => {
    if (phase === "ended") return;
    map.phase = "ended";
    map.watch.ended();
  });
  const phases: string[] = [];
  map.watch.add(({ phase }) => phases.push(phase));
  map.watch.requested();
  map.pass(1_000);
  assertEquals(phases, ["ended"]);
});

/** Collects what is printed on stderr until it is disposed of. */
class Errors implements Disposable {
  readonly lines: unknown[][] = [];
  readonly #error = console.error;

  constructor() {
    console.error = (...args) => this.lines.push(args);
  }

  [Symbol.dispose](): void {
    console.error = this.#error;
  }
}

for (const kind of ["throws", "rejects"]) {
  Deno.test(`ProgressWatch prints the error of a listener that ${kind}, and goes on without it`, async () => {
    using errors = new Errors();
    using map = new Fixture();
    let calls = 0;
    const error = new Error("no");
    map.watch.add(() => {
      calls++;
      if (kind === "rejects") return Promise.reject(error);
      throw error;
    });
    map.watch.requested();
    map.pass(100);
    await Promise.resolve();
    await Promise.resolve();
    map.done++;
    map.pass(100);
    assertEquals(calls, 1);
    assertEquals(map.times, [100, 200]);
    assertEquals(errors.lines, [[
      "[distex] 'onProgress' of a map of the task 'task' threw, and isn't called again",
      error,
    ]]);
  });
}
