import { assertEquals, assertRejects } from "@std/assert";
import { type Future, Pool, type TaskThis } from "../../mod.ts";
import { Gate, passGate } from "../helpers/gate.ts";

/** An argument with a getter that does something when it is sent. */
function lively(action: () => unknown): { x: number; readonly y: number } {
  return {
    x: 1,
    get y() {
      action();
      return 2;
    },
  };
}

const sum = ({ x, y }: { x: number; y: number }) => x + y;
const double = (x: number) => x * 2;

/** A pool whose worker runs several calls. */
async function makePool(): Promise<Pool> {
  const pool = new Pool({ workers: 1, concurrency: 8 });
  await pool.ready;
  return pool;
}

/** Checks that the worker has answered everything, and the pool ends. */
async function assertIntact(pool: Pool): Promise<void> {
  assertEquals(await pool.run(double, 4), 8);
  assertEquals(pool.stats().hosts[0]!.lost, 0);
  await pool.shutdown();
  assertEquals(pool.stats().running, 0);
}

Deno.test("Pool.submit() survives a getter of its argument that cancels the call", async () => {
  await using pool = await makePool();
  const future: Future<number> = pool.submit(
    sum,
    lively((): boolean => future.cancel()),
  );
  const after = pool.submit(double, 1);
  await assertRejects(() => future, DOMException, "was cancelled");
  assertEquals(await after, 2);
  await assertIntact(pool);
});

Deno.test("Pool.submit() survives a getter of its argument that cancels a running call", async () => {
  await using gate = new Gate();
  await using pool = await makePool();
  const running = pool.submit(passGate, gate.port, 0);
  await gate.entered();
  const future = pool.submit(sum, lively(() => running.cancel()));
  const after = pool.submit(double, 1);
  await assertRejects(() => running, DOMException, "was cancelled");
  assertEquals([await future, await after], [3, 2]);
  gate.open();
  await assertIntact(pool);
});

for (const chunkSize of [1, 10]) {
  Deno.test(`Pool.map() in chunks of ${chunkSize} survives a getter of an item that aborts it`, async () => {
    await using pool = await makePool();
    const controller = new AbortController();
    const item = lively(() => controller.abort(new Error("enough")));
    const items = [{ x: 1, y: 1 }, item, ...Array(30).fill({ x: 0, y: 0 })];
    const map = pool.with({ signal: controller.signal })
      .map(sum, items, { chunkSize });
    await assertRejects(() => map.toArray(), Error, "enough");
    await assertIntact(pool);
  });
}

/** A task: returns a value whose getter posts a message. */
function postInGetter(this: TaskThis) {
  const { port } = this;
  return {
    x: 1,
    get y() {
      port.postMessage("too late");
      return 2;
    },
  };
}

Deno.test("Pool.run() rejects a result whose getter posts a message", async () => {
  await using pool = await makePool();
  const messages: unknown[] = [];
  const listening = pool.with({ onMessage: (it) => void messages.push(it) });
  const failed = assertRejects(
    () => listening.run(postInGetter),
    DOMException,
    "can't be sent by a getter",
  );
  assertEquals(await listening.run(double, 1), 2);
  await failed;
  assertEquals(messages, []);
  await assertIntact(pool);
});

/** A task: returns the messages before an empty one. */
async function takeMessages(this: TaskThis): Promise<unknown[]> {
  const messages: unknown[] = [];
  for await (const message of this.port) {
    if (message === "") break;
    messages.push(message);
  }
  return messages;
}

Deno.test("Pool.run() rejects an argument whose getter posts a message", async () => {
  await using pool = await makePool();
  const listening = pool.submit(takeMessages);
  await listening.postMessage("first");
  await assertRejects(
    () => pool.run(sum, lively(() => listening.postMessage("late"))),
    DOMException,
    "can't be sent by a getter",
  );
  await listening.postMessage("");
  assertEquals(await listening, ["first"]);
  await assertIntact(pool);
});
