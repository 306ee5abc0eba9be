import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { BrokenPoolError, Pool, type PoolOptions } from "../../mod.ts";
import { Gate } from "../helpers/gate.ts";
import { lossOf, TestFolder } from "../programs/loss_fixture.ts";

const leave = () => Deno.exit(3);

/** An initializer that ends on the first `count` workers only. */
async function hang(path: string, port: number, count: number): Promise<void> {
  Deno.writeTextFileSync(path, "x", { append: true });
  if (Deno.readTextFileSync(path).length <= count) return;
  await Deno.connect({ hostname: "127.0.0.1", port });
  await new Promise(() => {});
}

/** Returns options of a pool whose workers after the first `count` hang. */
function hanging(folder: TestFolder, gate: Gate, count: number): PoolOptions {
  return {
    initializer: hang,
    initializerArgs: [folder.file("workers"), gate.port, count],
    stdio: "null",
  };
}

Deno.test("Pool.shutdown() doesn't wait for an initializer if no calls are pending", async () => {
  await using folder = new TestFolder();
  await using gate = new Gate();
  const pool = new Pool({ workers: 1, ...hanging(folder, gate, 0) });
  await gate.entered();
  await pool.shutdown();
  await assertRejects(() => pool.ready, BrokenPoolError);
});

Deno.test("Pool.shutdown() doesn't wait for the initializer of a replacement", async () => {
  await using folder = new TestFolder();
  await using gate = new Gate();
  const pool = new Pool({ workers: 2, ...hanging(folder, gate, 2) });
  await pool.ready;
  await lossOf(pool.run(leave));
  await gate.entered();
  assertEquals(await pool.run(() => 1), 1);
  await pool.shutdown();
});

Deno.test("Pool.shutdown() waits for pending calls and their initializer", async () => {
  await using folder = new TestFolder();
  await using gate = new Gate();
  const pool = new Pool({
    workers: 1,
    initializer: async (path: string, port: number) => {
      const connection = await Deno.connect({ hostname: "127.0.0.1", port });
      await connection.read(new Uint8Array(1));
      Deno.writeTextFileSync(path, "");
    },
    initializerArgs: [folder.file("initialized"), gate.port],
  });
  const result = pool.run(
    (path: string) => Deno.statSync(path).isFile,
    folder.file("initialized"),
  );
  await gate.entered();
  const shutdown = pool.shutdown();
  gate.open();
  assertEquals(await result, true);
  await shutdown;
});

Deno.test("Pool reports that its initializer failed", async () => {
  const initializer = () => {
    throw new RangeError("The database is closed");
  };
  await using pool = new Pool({ workers: 1, initializer });
  const error = await assertRejects(() => pool.run(() => 1), BrokenPoolError);
  assertEquals(
    error.message,
    "The pool could not start: its initializer failed: The database is closed",
  );
});

Deno.test("Pool fails to start when an initializer throws, even if another one hangs", async () => {
  await using folder = new TestFolder();
  await using gate = new Gate();
  const pool = new Pool({
    workers: 2,
    initializer: async (path: string, port: number) => {
      const connection = await Deno.connect({ hostname: "127.0.0.1", port });
      await connection.read(new Uint8Array(1));
      Deno.writeTextFileSync(path, "", { createNew: true });
      await new Promise(() => {});
    },
    initializerArgs: [folder.file("first"), gate.port],
  });
  await gate.entered();
  await gate.entered();
  gate.open();
  const { cause } = await assertRejects(() => pool.ready, BrokenPoolError);
  assertInstanceOf(cause, Deno.errors.AlreadyExists);
  await pool.shutdown();
});

Deno.test("Pool.runOnAll() doesn't wait for the initializer of a replacement", async () => {
  await using folder = new TestFolder();
  await using gate = new Gate();
  await using pool = new Pool({ workers: 2, ...hanging(folder, gate, 2) });
  await pool.ready;
  await lossOf(pool.run(leave));
  await gate.entered();
  const results = pool.runOnAll(() => 1);
  assertEquals(await pool.run(() => 2), 2);
  assertEquals(await results, [1]);
});
