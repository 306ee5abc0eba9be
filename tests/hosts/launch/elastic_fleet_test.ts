import { assertEquals, assertStringIncludes } from "@std/assert";
import { Pool, type TemplateOptions } from "../../../mod.ts";
import { Gate, passGate } from "../../helpers/gate.ts";
import { gone, until } from "../../helpers/processes.ts";

/** A time that exceeds any test's duration, in milliseconds. */
const NEVER = 600_000;

const pids = () => [Deno.pid, Deno.ppid];

/** A pool whose agents a script starts here. */
class Site implements AsyncDisposable {
  readonly folder: string = Deno.makeTempDirSync({ prefix: "distex-jobs-" });
  readonly pool: Pool;
  readonly #script = `${this.folder}/start`;

  constructor(host: Partial<TemplateOptions>) {
    this.allow();
    this.pool = new Pool({
      workers: 0,
      listen: { hostname: "127.0.0.1" },
      hosts: {
        launch: [this.#script, "{command}"],
        name: "batch",
        folder: this.folder,
        workers: { min: 0, max: 4, idle: NEVER },
        ...host,
      },
    });
  }

  /** The figures of the host. */
  get host(): ReturnType<Pool["stats"]>["hosts"][0] {
    return this.pool.stats().hosts[0]!;
  }

  /** Waits until a number of workers are in use. */
  async has(workers: number): Promise<void> {
    await until(() => this.host.workers === workers);
  }

  /** Lets the script start agents. */
  allow(): void {
    const text = '#!/bin/sh\nexec "$@"\n';
    Deno.writeTextFileSync(this.#script, text, { mode: 0o700 });
  }

  /** Makes it refuse to start any. */
  refuse(): void {
    Deno.removeSync(this.#script);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pool.terminate();
    await Deno.remove(this.folder, { recursive: true });
  }
}

Deno.test("Pool starts no job until its first call, and ends it when it is idle", async () => {
  await using site = new Site({ workers: { min: 0, max: 4, idle: 1 } });
  const { pool } = site;
  await pool.ready;
  assertEquals([pool.totalWorkers, site.host.workers], [0, 0]);
  for (let round = 0; round < 2; round++) {
    const processes = await pool.run(pids);
    await site.has(0);
    for (const pid of processes) await gone(pid);
    assertEquals(pool.totalWorkers, 0);
  }
  assertEquals([site.host.lost, site.host.error], [0, undefined]);
});

Deno.test("Pool keeps the minimum of a host with jobs", async () => {
  await using site = new Site({ workers: { min: 2, max: 4, idle: 1 } });
  await site.has(2);
  const [worker, agent] = await site.pool.run(pids);
  Deno.kill(agent!, "SIGKILL");
  await gone(worker!);
  await until(() => site.host.lost > 0);
  await site.has(2);
});

Deno.test("Pool grows by jobs, and ends the workers of a job together", async () => {
  await using gate = new Gate();
  await using site = new Site({
    workers: { min: 0, max: 4, idle: 1 },
    workersPerJob: 2,
  });
  const { pool } = site;
  const calls = [1, 2, 3, 4].map((x) =>
    pool.run(passGate<number>, gate.port, x)
  );
  for (const _ of calls) await gate.entered();
  assertEquals(site.host.workers, 4);
  gate.open();
  assertEquals(await Promise.all(calls), [1, 2, 3, 4]);
  // A job goes on while one of its workers is busy.
  const last = pool.run(passGate<number>, gate.port, 5);
  await gate.entered();
  await site.has(2);
  gate.open();
  assertEquals(await last, 5);
  await site.has(0);
  assertEquals(site.host.lost, 0);
});

Deno.test("Pool asks a launcher for no more once it has refused, and goes on with what it has", async () => {
  await using gate = new Gate();
  await using site = new Site({});
  const { pool } = site;
  await pool.run(pids);
  site.refuse();
  const calls = [1, 2, 3].map((x) => pool.run(passGate<number>, gate.port, x));
  await gate.entered();
  await until(() => site.host.error !== undefined);
  assertStringIncludes(site.host.error!.message, "start");
  assertEquals([pool.totalWorkers, site.host.workers], [1, 1]);
  for (let left = 2; left > 0; left--) {
    gate.open();
    await gate.entered();
  }
  gate.open();
  assertEquals(await Promise.all(calls), [1, 2, 3]);
  assertEquals(pool.totalWorkers, 1);
});

Deno.test("Pool.shutdown() calls off the jobs of a pool that grows", async () => {
  await using site = new Site({});
  const call = site.pool.run(pids);
  const closing = site.pool.shutdown();
  const processes = await call;
  await closing;
  for (const pid of processes) await gone(pid);
});
