import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  BrokenPoolError,
  HostError,
  type HostStats,
  Pool,
  type PoolOptions,
  WorkerLostError,
} from "../../../mod.ts";
import { Gate, passGate } from "../../helpers/gate.ts";
import { KubeApi, kubeTest } from "../../helpers/kube_api.ts";
import type { PodObject } from "../../helpers/kube_objects.ts";
import { gone, until } from "../../helpers/processes.ts";

const double = (x: number) => x * 2;
const ITEMS = Array.from({ length: 20_000 }, (_, index) => index);

function makePool(
  api: KubeApi,
  workers: number,
  options: PoolOptions = {},
): Pool {
  return new Pool({
    workers: 0,
    hosts: {
      host: `kubernetes://batch/${workers}`,
      kubectlArgs: api.kubectlArgs,
    },
    listen: { hostname: "127.0.0.1" },
    ...options,
  });
}

function statsOf(pool: Pool): HostStats {
  return pool.stats().hosts[0]!;
}

async function has(pool: Pool, workers: number): Promise<void> {
  await until(() => pool.stats().workers === workers);
}

/** Returns the pod whose container is the parent of a worker. */
function podOf(api: KubeApi, parent: number): PodObject {
  const running = api.pods.filter(({ status }) => status.phase === "Running");
  return running[api.pids.indexOf(parent)]!;
}

kubeTest(
  "Pool loses nothing when pods are deleted and preempted under load",
  async () => {
    await using api = await KubeApi.start();
    await using pool = makePool(api, 2);
    await has(pool, 2);
    const map = pool.map(double, ITEMS).toArray();
    let isOver = false;
    map.finally(() => isOver = true);
    let rounds = 0;
    while (!isOver || rounds < 2) {
      const pod = api.pods.find(({ status }) => status.phase === "Running")!;
      if (rounds % 2 === 0) api.deletePod(pod);
      else api.preempt(pod);
      // The pool asks for another pod, in a Job of its own.
      await api.until(({ pods }) => !pods.includes(pod));
      await has(pool, 2);
      rounds++;
    }
    assertEquals(await map, ITEMS.map(double));
    assertEquals([statsOf(pool).done, statsOf(pool).lost], [ITEMS.length, 0]);
    await pool.shutdown();
    assertEquals(api.names, []);
  },
);

kubeTest("Pool treats evicted and killed pods as lost workers", async () => {
  await using api = await KubeApi.start();
  await using gate = new Gate();
  await using pool = makePool(api, 1);
  const parent = () => Deno.ppid;
  for (const end of ["evict", "killForMemory"] as const) {
    const pod = podOf(api, await pool.run(parent));
    const { pids } = api;
    const call = pool.run(passGate<number>, gate.port, 1);
    const lost = assertRejects(() => call, WorkerLostError);
    const again = pool.with({ retries: 1 }).run(double, 21);
    await gate.entered();
    api[end](pod);
    await lost;
    assertEquals(await again, 42);
    for (const pid of pids) await gone(pid);
  }
  assertEquals(statsOf(pool).lost, 2);
});

kubeTest(
  "Pool shows why pods wait, and works with those that run",
  async () => {
    await using api = await KubeApi.start();
    api.setQuota(2);
    const reason = "0/3 nodes are available: 3 Insufficient cpu.";
    api.setUnschedulable(reason);
    await using pool = makePool(api, 3);
    await pool.ready;
    const call = pool.run(double, 21);
    await until(() => statsOf(pool).pending?.reason.includes(reason) === true);
    assertEquals(statsOf(pool).pending!.agents, 3);
    api.setUnschedulable(undefined);
    assertEquals(await call, 42);
    await has(pool, 2);
    await until(() =>
      statsOf(pool).pending?.reason.includes("exceeded quota") === true
    );
    assertEquals(statsOf(pool).pending!.agents, 1);
    api.setQuota(3);
    await has(pool, 3);
    await until(() => statsOf(pool).pending === undefined);
  },
);

kubeTest(
  "Pool asks for pods as work comes, and ends them when they are idle",
  async () => {
    await using api = await KubeApi.start();
    await using pool = makePool(api, 2, {
      hosts: {
        host: "kubernetes://batch",
        workers: { min: 0, max: 2, idle: 1 },
        kubectlArgs: api.kubectlArgs,
      },
    });
    await pool.ready;
    assertEquals(api.names, []);
    for (let round = 0; round < 2; round++) {
      assertEquals(await pool.run(double, 21), 42);
      await api.until(({ names }) => names.length === 0);
      await has(pool, 0);
    }
  },
);

kubeTest(
  "Pool rejects with what kubectl says if the Job is refused",
  async () => {
    await using api = await KubeApi.start();
    api.forbidden.add("create jobs");
    await using pool = makePool(api, 1);
    const error = await assertRejects(() => pool.ready, BrokenPoolError);
    assertInstanceOf(error.cause, HostError);
    assertEquals([error.cause.host, error.cause.step], ["batch", "launcher"]);
    assertStringIncludes(
      error.cause.message,
      'jobs is forbidden: User "tester" cannot create resource "jobs"',
    );
  },
);

kubeTest(
  "Pool gives up when pods fail again and again, and shows why",
  async () => {
    await using api = await KubeApi.start();
    await using pool = makePool(api, 1, {
      maxRestarts: 1,
      hosts: {
        host: "kubernetes://batch/1",
        kubectlArgs: api.kubectlArgs,
        deno: "no-such-deno",
      },
    });
    const error = await assertRejects(
      () => pool.run(double, 1),
      BrokenPoolError,
    );
    assertStringIncludes(
      error.message,
      'StartError: exec: "no-such-deno": executable file not found in $PATH',
    );
  },
);

kubeTest(
  "Pool leaves nothing in the cluster if its program is killed",
  async () => {
    await using api = await KubeApi.start();
    const program = `
    import { Pool } from ${
      JSON.stringify(import.meta.resolve("../../../mod.ts"))
    };
    const pool = new Pool({
      workers: 0,
      hosts: {
        host: "kubernetes://batch/2",
        kubectlArgs: ${JSON.stringify(api.kubectlArgs)},
      },
      listen: { hostname: "127.0.0.1" },
    });
    console.log(await pool.run((x) => x * 2, 21));
    await pool.run(() => { for (;;); });`;
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "--config=deno.json",
        `data:text/javascript,${encodeURIComponent(program)}`,
      ],
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.getReader();
    const { value } = await reader.read();
    assertEquals(new TextDecoder().decode(value), "42\n");
    const { pids } = api;
    assert(pids.length > 0);
    child.kill("SIGKILL");
    await child.status;
    await reader.cancel();
    await api.until(({ names }) => names.length === 0);
    for (const pid of pids) await gone(pid);
  },
);
