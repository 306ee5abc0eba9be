import { assertEquals, assertRejects } from "@std/assert";
import { Pool } from "../../mod.ts";
import { Gate, passGate } from "../helpers/gate.ts";

for (const cancelFutures of [false, true]) {
  Deno.test(`Pool.map() obeys its signal during a shutdown with cancelFutures: ${cancelFutures}`, async () => {
    await using gate = new Gate();
    const controller = new AbortController();
    const { signal } = controller;
    const pool = new Pool({ workers: 1, cancelGrace: 1 });
    const results = pool.map(passGate, [gate.port], [1], { signal });
    const result = results.next();
    await gate.entered();
    const shutdown = pool.shutdown({ cancelFutures });
    controller.abort(new RangeError("enough"));
    await assertRejects(() => result, RangeError, "enough");
    await shutdown;
  });
}

Deno.test("Pool.map() obeys its timeout during a shutdown", async () => {
  await using gate = new Gate();
  const pool = new Pool({ workers: 1, cancelGrace: 1 });
  await pool.ready;
  const results = pool.map(passGate, [gate.port], [1], { timeout: 500 });
  const result = results.next();
  const failure = assertRejects(() => result, DOMException);
  // On a slow machine, the timeout may expire before the task begins.
  await Promise.race([gate.entered(), failure]);
  const shutdown = pool.shutdown();
  const error = await failure;
  assertEquals(error.name, "TimeoutError");
  await shutdown;
});

Deno.test("Pool.map() ends at an unreadable item of an async input", async () => {
  await using pool = new Pool(1);
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  async function* items() {
    yield proxy;
    await Promise.resolve();
  }
  const results = pool.map((item: object) => item, items());
  await assertRejects(() => results.next(), TypeError, "revoked");
});

Deno.test("Pool.map() doesn't run an item whose key ends the map", async () => {
  await using pool = new Pool(1);
  const keyed = pool.with({
    key: () => {
      results.return!();
      return "any";
    },
  });
  const results = keyed.map((x: number) => x, [1, 2]);
  assertEquals(await results.toArray(), []);
  await pool.run(() => {});
  assertEquals(pool.stats().done, 1);
});

Deno.test("Pool.map() continues after the map whose input reads it has ended", async () => {
  await using pool = new Pool(1);
  const inner = pool.map((x: number) => -x, [1, 2]);
  let begun: Promise<number[]> | undefined;
  function* items(): Generator<number> {
    begun = inner.toArray();
    yield* [];
  }
  const outer = pool.map((x: number) => x, items());
  assertEquals(await outer.toArray(), []);
  assertEquals(await begun, [-1, -2]);
});

Deno.test("Pool.map() knows no failed item if an array throws whose items begin in any order", async () => {
  await using pool = new Pool(2);
  const items = Array.from({ length: 20_000 }, (_, index) => index);
  Object.defineProperty(items, 15_000, {
    get() {
      throw new RangeError("no item");
    },
  });
  const map = pool.map((x: number) => x, items, { chunkSize: 10 });
  await assertRejects(() => map.toArray(), RangeError, "no item");
  assertEquals(map.failedIndex, undefined);
});
