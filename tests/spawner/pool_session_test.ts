import { assert, assertEquals, assertMatch } from "@std/assert";
import { RemoteSpawner } from "../../src/hosts/remote/remote_spawner.ts";
import {
  PoolSession,
  type SessionOptions,
} from "../../src/spawner/pool_session.ts";
import { Channel } from "../../src/transport/channel.ts";
import { makeSecret } from "../../src/transport/secret.ts";
import type { SessionRequest } from "../../src/protocol/spawner_messages.ts";
import { isAlive } from "../helpers/processes.ts";
import { flowingTime } from "../helpers/flowing_time.ts";
import { ConnectionPair } from "../helpers/connections.ts";

/** The program that the sessions of these tests start as a worker. */
const PROGRAM = import.meta.resolve("../programs/spawner_child.ts");

const REQUEST: SessionRequest = {
  address: "tcp::4711",
  grants: {
    read: true,
    write: true,
    net: true,
    env: true,
    run: true,
    ffi: true,
    sys: true,
    import: true,
  },
  denoArgs: [],
  env: {},
};

/** The pause between two probes, in milliseconds. */
const PROBE_INTERVAL = 2_000;

/** A session, and its pool's end. */
class Dialogue implements AsyncDisposable {
  readonly secret = makeSecret();
  readonly spawner: RemoteSpawner;
  /** Resolves to the reason when the session is over. */
  readonly over: Promise<string>;
  /** The output of workers, by number and stream. */
  readonly output = new Map<string, string>();
  /** How many workers have begun but not ended. */
  begun = 0;
  /** The reason to refuse workers, if there is one. */
  refusal: string | undefined;
  readonly #pair: ConnectionPair;

  private constructor(
    pair: ConnectionPair,
    changes: Partial<SessionOptions> = {},
  ) {
    this.#pair = pair;
    this.spawner = new RemoteSpawner(
      new Channel(pair.left),
      (worker, stream, bytes) => {
        const key = `${worker} ${stream}`;
        const text = new TextDecoder().decode(bytes);
        this.output.set(key, (this.output.get(key) ?? "") + text);
      },
    );
    const session = new PoolSession(new Channel(pair.right), {
      program: PROGRAM,
      config: undefined,
      secret: this.secret,
      reaper: undefined,
      peer: "192.0.2.7",
      probed: undefined,
      beginWorker: () => {
        if (this.refusal === undefined) this.begun++;
        return this.refusal;
      },
      endWorker: () => void this.begun--,
      ...changes,
    });
    this.over = session.serve();
  }

  static async begin(changes?: Partial<SessionOptions>): Promise<Dialogue> {
    return new Dialogue(await ConnectionPair.open("tcp"), changes);
  }

  /** The report of a worker about itself. */
  report(worker: number): Record<string, unknown> {
    return JSON.parse(this.output.get(`${worker} stdout`)!);
  }

  /** Waits for the complete report of a worker. */
  async reported(worker: number): Promise<Record<string, unknown>> {
    while (!this.output.get(`${worker} stdout`)?.includes("\n")) {
      await this.spawner.ping();
    }
    return this.report(worker);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.spawner.close();
    await this.over;
    this.#pair[Symbol.dispose]();
  }
}

Deno.test("PoolSession reports the machine", async () => {
  await using dialogue = await Dialogue.begin();
  assertEquals(await dialogue.spawner.open(REQUEST), {
    deno: Deno.version.deno,
    platform: `${Deno.build.os} ${Deno.build.arch}`,
    cpus: navigator.hardwareConcurrency,
    memory: Deno.systemMemoryInfo().total,
  });
});

Deno.test("PoolSession answers pings with its time", async () => {
  await using dialogue = await Dialogue.begin();
  const { roundTrip, clockOffset } = await dialogue.spawner.ping();
  assert(roundTrip > 0);
  // Both ends read the same clock.
  assert(Math.abs(clockOffset) <= roundTrip + 1, `${clockOffset}`);
});

Deno.test("PoolSession starts workers as requested, and sends their output", async () => {
  await using dialogue = await Dialogue.begin();
  const { spawner, secret } = dialogue;
  const cwd = await Deno.realPath(await Deno.makeTempDir());
  try {
    await spawner.open({
      ...REQUEST,
      certificate: "a\ncertificate",
      env: { DISTEX_TEST: "yes" },
      cwd,
    });
    const ends = [3, 4].map((worker) => spawner.start(worker, "worker").ended);
    assertEquals(await Promise.all(ends), [
      { exitStatus: "exit code 0", stderrTail: "" },
      { exitStatus: "exit code 0", stderrTail: "" },
    ]);
    for (const worker of [3, 4]) {
      const { pid: _, ...report } = dialogue.report(worker);
      assertEquals(report, {
        args: ["--connect", "tcp:192.0.2.7:4711", "--worker", `${worker}`],
        input: `${secret.toHex()}\na\ncertificate`,
        cwd,
        env: "yes",
      });
    }
    assertEquals(dialogue.begun, 0);
  } finally {
    await Deno.remove(cwd);
  }
});

for (
  const [address, expected] of [
    ["tls::1", "tls:192.0.2.7:1"],
    ["tcp:somewhere:1", "tcp:somewhere:1"],
    ["tcp:::1:1", "tcp:::1:1"],
  ] as const
) {
  Deno.test(`PoolSession makes workers connect to ${expected} when ${address} is requested`, async () => {
    await using dialogue = await Dialogue.begin();
    const { spawner } = dialogue;
    await spawner.open({ ...REQUEST, address });
    await spawner.start(0, "worker").ended;
    assertEquals((dialogue.report(0).args as string[])[1], expected);
  });
}

Deno.test("PoolSession reports the exit status and the stderr of a worker", async () => {
  await using dialogue = await Dialogue.begin();
  const { spawner } = dialogue;
  await spawner.open({ ...REQUEST, env: { DISTEX_TEST: "fail" } });
  const { exitStatus, stderrTail } = await spawner.start(1, "worker").ended;
  assertEquals(exitStatus, "exit code 7");
  assertMatch(stderrTail, /^x{2000,}\nthese words$/);
  assertEquals(dialogue.output.get("1 stderr")!.length, 4_000 + 13);
});

Deno.test("PoolSession kills a worker on demand", async () => {
  await using dialogue = await Dialogue.begin();
  const { spawner } = dialogue;
  await spawner.open({ ...REQUEST, env: { DISTEX_TEST: "spin" } });
  const workers = [1, 2].map((number) => spawner.start(number, "worker"));
  const reports = await Promise.all([1, 2].map((at) => dialogue.reported(at)));
  workers[0]!.kill();
  assertEquals((await workers[0]!.ended).exitStatus, "signal SIGKILL");
  assertEquals(reports.map(({ pid }) => isAlive(pid as number)), [false, true]);
  assertEquals(dialogue.begun, 1);
  // The worker's end was reported before.
  workers[0]!.kill();
  await spawner.ping();
});

Deno.test("PoolSession ends its workers when the pool hangs up", async () => {
  await using dialogue = await Dialogue.begin();
  const { spawner } = dialogue;
  await spawner.open({ ...REQUEST, env: { DISTEX_TEST: "spin" } });
  const workers = [1, 2].map((number) => spawner.start(number, "worker"));
  const reports = await Promise.all([1, 2].map((at) => dialogue.reported(at)));
  spawner.close();
  assertMatch(await dialogue.over, /has closed the connection/);
  assert(!reports.some(({ pid }) => isAlive(pid as number)));
  assertEquals(dialogue.begun, 0);
  for (const worker of workers) {
    assertMatch((await worker.ended).exitStatus, /connection .* was lost/);
  }
});

Deno.test("PoolSession reports workers that are refused or can't be started", async () => {
  await using dialogue = await Dialogue.begin();
  const { spawner } = dialogue;
  await spawner.open({ ...REQUEST, cwd: "/no/such/folder" });
  const { exitStatus } = await spawner.start(1, "worker").ended;
  assertMatch(exitStatus, /^could not be started: .*\/no\/such\/folder/);
  assertEquals(dialogue.begun, 0);
  dialogue.refusal = "was refused, as it is late";
  assertEquals(
    (await spawner.start(2, "worker").ended).exitStatus,
    dialogue.refusal,
  );
  assertEquals(dialogue.begun, 0);
});

Deno.test("PoolSession ends when the pool can't be reached any more", async () => {
  using time = flowingTime();
  await using dialogue = await Dialogue.begin();
  const { spawner } = dialogue;
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await spawner.open({
    ...REQUEST,
    address: `tcp:127.0.0.1:${listener.addr.port}`,
    env: { DISTEX_TEST: "spin" },
  });
  spawner.start(1, "worker");
  const { pid } = await dialogue.reported(1);
  time.tick(PROBE_INTERVAL);
  using probe = await listener.accept();
  // The session hangs up before it waits for the next probe.
  assertEquals(await probe.read(new Uint8Array(1)), null);
  listener.close();
  time.tick(PROBE_INTERVAL);
  assertMatch(await dialogue.over, /can't be reached any more/);
  assert(!isAlive(pid as number));
});

Deno.test("PoolSession probes the pool only when it is silent, if so requested", async () => {
  using time = flowingTime();
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  await using dialogue = await Dialogue.begin({
    probed: { transport: "tcp", hostname: "127.0.0.1", port },
    silence: 2 * PROBE_INTERVAL,
  });
  let probes = 0;
  const accepting = (async () => {
    for await (const probe of listener) {
      probes++;
      probe.close();
    }
  })();
  for (let period = 0; period < 5; period++) {
    await dialogue.spawner.ping();
    time.tick(PROBE_INTERVAL);
  }
  await dialogue.spawner.ping();
  assertEquals(probes, 0);
  listener.close();
  await accepting;
  for (let period = 0; period < 3; period++) {
    time.tick(PROBE_INTERVAL);
    await time.runMicrotasks();
  }
  assertMatch(await dialogue.over, /can't be reached any more/);
});

Deno.test("PoolSession ends when a worker's number is in use", async () => {
  await using dialogue = await Dialogue.begin();
  const { spawner } = dialogue;
  await spawner.open({ ...REQUEST, env: { DISTEX_TEST: "spin" } });
  spawner.start(1, "worker");
  const { pid } = await dialogue.reported(1);
  spawner.start(1, "worker");
  assertMatch(await dialogue.over, /worker 1 can't start/);
  assert(!isAlive(pid as number));
});
