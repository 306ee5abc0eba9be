import { assert, assertEquals, assertRejects } from "@std/assert";
import { FakeTime } from "../helpers/fake_time.ts";
import { Pool } from "../../mod.ts";
import { KeepAlive } from "../../src/util/keep_alive.ts";
import { Gate, passGate } from "../helpers/gate.ts";
import { until } from "../helpers/processes.ts";
import { TestFolder } from "../programs/loss_fixture.ts";

const TIMEOUT = 100_001;
const GRACE = 100_002;

/** Keeps the test alive in real time, as the calls of a pool do in fake time. */
function keepAlive(): Disposable {
  const keepAlive = new KeepAlive();
  keepAlive.hold();
  return { [Symbol.dispose]: () => keepAlive.close() };
}

/** Blocks this program until a condition holds. */
function blockUntil(condition: () => boolean): void {
  const end = performance.now() + 60_000;
  while (!condition()) assert(performance.now() < end, "It takes too long");
}

/** A task that adds a line to a file and waits for permission to return. */
async function noteAndWait(path: string, port: number): Promise<void> {
  using connection = await Deno.connect({ port });
  Deno.writeTextFileSync(path, "once\n", { append: true });
  await connection.read(new Uint8Array(1));
}

Deno.test("Pool without retries runs no task twice when it ends the worker of another", async () => {
  using _ = keepAlive();
  using time = new FakeTime();
  await using folder = new TestFolder();
  await using gate = new Gate();
  await using pool = new Pool({ workers: 1, prefetch: 1, cancelGrace: GRACE });
  const hasty = pool.with({ timeout: TIMEOUT });
  const slow = assertRejects(
    () => hasty.run(passGate<number>, gate.port, 1),
    DOMException,
  );
  await gate.entered();
  const noted = pool.submit(noteAndWait, folder.file("runs"), gate.port);
  time.tick(TIMEOUT);
  await slow;
  assert(noted.running());
  gate.open();
  // It begins before this program reads that the other has returned.
  blockUntil(() => folder.lines("runs").length > 0);
  time.tick(GRACE);
  await until(() => pool.stats().done === 1);
  // Now the timers fire that the worker's end waits for.
  await time.tickAsync();
  await time.tickAsync();
  await gate.entered();
  gate.open();
  await noted;
  assertEquals(folder.lines("runs"), ["once"]);
});
