import { assert, assertEquals, assertMatch } from "@std/assert";
import { Pool } from "../../mod.ts";
import { type Stall, StallWatch } from "../../src/pool/stall_watch.ts";
import { FakeTime } from "../helpers/fake_time.ts";
import { Gate, passGate } from "../helpers/gate.ts";
import { until } from "../helpers/processes.ts";
import { StderrText } from "../helpers/stderr_text.ts";

const LIMIT = 1_000;

/** A watch in fake time, and what it warns of. */
class Scene implements Disposable {
  readonly time = new FakeTime();
  readonly warnings: [milliseconds: number, explanation: string][] = [];
  readonly watch: StallWatch;
  movement = 0;
  waiting: Stall | undefined = { explanation: "lost", isBusy: false };
  /** How far the clock is ahead of the timers, in milliseconds. */
  ahead = 0;

  constructor(limit = LIMIT) {
    this.watch = new StallWatch({
      limit,
      movement: () => this.movement,
      waiting: () => this.waiting,
      warn: (...warning) => this.warnings.push(warning),
      now: () => Date.now() + this.ahead,
    });
    this.watch.dispatched();
  }

  /** Lets time pass; returns how many warnings it brings. */
  after(milliseconds: number): number {
    const before = this.warnings.length;
    this.time.tick(milliseconds);
    return this.warnings.length - before;
  }

  [Symbol.dispose](): void {
    this.watch.stop();
    const isTimerLeft = this.time.next();
    this.time.restore();
    assert(!isTimerLeft, "The watch has left a timer");
  }
}

Deno.test("StallWatch warns once when nothing has moved", () => {
  using scene = new Scene();
  assertEquals(scene.after(LIMIT - 1), 0);
  assertEquals(scene.after(1), 1);
  assertEquals(scene.warnings, [[LIMIT, "lost"]]);
  assertEquals(scene.after(100 * LIMIT), 0);
});

Deno.test("StallWatch warns again after something has moved", () => {
  using scene = new Scene();
  assertEquals(scene.after(LIMIT), 1);
  scene.movement++;
  assertEquals(scene.after(LIMIT), 0);
  assertEquals(scene.after(LIMIT), 1);
});

Deno.test("StallWatch doesn't warn while something moves", () => {
  using scene = new Scene();
  for (let step = 0; step < 10; step++) {
    assertEquals(scene.after(LIMIT / 2), 0);
    scene.movement++;
  }
});

Deno.test("StallWatch sets no timer while nothing waits", () => {
  using scene = new Scene();
  scene.waiting = undefined;
  assertEquals(scene.after(LIMIT), 0);
  assert(!scene.time.next());
  scene.waiting = { explanation: "later", isBusy: false };
  scene.watch.dispatched();
  assertEquals(scene.after(LIMIT), 1);
});

Deno.test("StallWatch sets no timer if its limit is 0", () => {
  using scene = new Scene(0);
  assert(!scene.time.next());
});

Deno.test("StallWatch warns of busy workers again only if they are busy for longer", () => {
  using scene = new Scene();
  scene.waiting = { explanation: "busy", isBusy: true };
  assertEquals(scene.after(3 * LIMIT), 1);
  scene.movement++;
  assertEquals(scene.after(6 * LIMIT), 0);
  assertEquals(scene.after(LIMIT), 1);
  scene.movement++;
  scene.waiting = { explanation: "lost", isBusy: false };
  assertEquals(scene.after(2 * LIMIT), 1);
});

Deno.test("StallWatch doesn't blame the pool if the program was busy", () => {
  using scene = new Scene();
  scene.ahead = 10 * LIMIT;
  assertEquals(scene.after(LIMIT / 4), 0);
  assertEquals(scene.after(LIMIT - 1), 0);
  assertEquals(scene.after(LIMIT), 1);
});

Deno.test("Pool warns on stderr when tasks wait and nothing moves", async () => {
  await using gate = new Gate();
  await using pool = new Pool({ workers: 1, stallWarning: 400 });
  await pool.ready;
  using stderr = new StderrText();
  const held = pool.submit(passGate<number>, gate.port, 1);
  await gate.entered();
  const waiting = pool.submit((x: number) => x, 2);
  await until(() => stderr.text !== "");
  assertMatch(
    stderr.text,
    /^\[distex\] Nothing has moved for \d+ m?s \(stallWarning\)\. 1 task waits for a worker: the only worker is busy \(local worker 1 has run 'passGate' for \d+ m?s\)\.\n$/,
  );
  gate.open();
  assertEquals(await Promise.all([held, waiting]), [1, 2]);
});
