import { assertEquals, assertLess } from "@std/assert";
import { Pool } from "../../mod.ts";
import { until } from "../helpers/processes.ts";
import { startSpawnerServer } from "../helpers/spawner_server.ts";

/** Longer than any other timeout of a pool, in milliseconds. */
const HOST_TIMEOUT = 500_000;

/** Records the delays of long timers, until the end of its scope. */
class LongTimers implements Disposable {
  readonly set: number[] = [];
  readonly #setTimeout = globalThis.setTimeout;

  constructor() {
    const setTimeout = this.#setTimeout;
    globalThis.setTimeout = ((handler: () => void, ms = 0) => {
      if (ms > HOST_TIMEOUT / 2) this.set.push(ms);
      return setTimeout(handler, ms);
    }) as typeof globalThis.setTimeout;
  }

  [Symbol.dispose](): void {
    globalThis.setTimeout = this.#setTimeout;
  }
}

Deno.test("Pool doesn't extend the time of a lost host when another host is lost", async () => {
  await using first = await startSpawnerServer();
  await using second = await startSpawnerServer();
  await using pool = new Pool({
    workers: 1,
    hosts: [first.spec(1), second.spec(1)],
    hostTimeout: HOST_TIMEOUT,
    stdio: "null",
  });
  await pool.ready;
  using timers = new LongTimers();
  for (const [index, server] of [first, second].entries()) {
    server.kill("SIGKILL");
    await until(() => timers.set.length > index);
    await until(() => pool.stats().workers === 2 - index);
  }
  assertLess(timers.set.at(-1)!, timers.set[0]!);
});

Deno.test({
  name:
    "Pool waits only so long for a host that is lost while another one starts",
  // There, programs can't be stopped and continued.
  ignore: Deno.build.os === "windows",
  async fn() {
    await using first = await startSpawnerServer();
    await using second = await startSpawnerServer();
    second.kill("SIGSTOP");
    await using pool = new Pool({
      workers: 0,
      hosts: [first.spec(1), `localhost:${second.port}/1`],
      hostTimeout: HOST_TIMEOUT,
      stdio: "null",
    });
    // The pool can't end without it.
    using _continued = { [Symbol.dispose]: () => second.kill("SIGCONT") };
    const ready = pool.ready;
    const waiting = pool.with({ host: first.hostname }).submit(() => {});
    await first.logged(/has connected/);
    await until(() => pool.explain(waiting).endsWith("the pool is starting."));
    first.kill("SIGKILL");
    await until(() => pool.stats().hosts[0]!.lost === 1);
    using timers = new LongTimers();
    second.kill("SIGCONT");
    await ready;
    assertEquals(timers.set.length, 1);
    waiting.cancel();
  },
});
