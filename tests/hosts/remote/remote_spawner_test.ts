import { assert, assertEquals, assertRejects } from "@std/assert";
import { RemoteSpawner } from "../../../src/hosts/remote/remote_spawner.ts";
import { Channel } from "../../../src/transport/channel.ts";
import {
  type SessionRequest,
  SpawnerMessageType,
} from "../../../src/protocol/spawner_messages.ts";
import { MemoryConnection } from "../../helpers/memory_connection.ts";

const REQUEST: SessionRequest = {
  address: "tcp::7000",
  grants: { read: ["/data"] },
  denoArgs: ["--v8-flags=--expose-gc"],
  env: { A: "1" },
};

const MACHINE = {
  deno: "2.9.6",
  platform: "linux x86_64",
  cpus: 8,
  memory: 2 ** 34,
};

const LOST = {
  exitStatus: "the connection to its host was lost",
  stderrTail: "",
  hostLost: true,
};

/** A client, and the spawner's end of its connection, which the test controls. */
class Scene {
  /** The client under test. */
  readonly spawner: RemoteSpawner;
  /** The output of workers. */
  readonly outputs: [number, string, string][] = [];
  readonly #channel: Channel;
  readonly #received: unknown[][] = [];
  #arrival = Promise.withResolvers<void>();

  constructor() {
    const [left, right] = MemoryConnection.pair();
    this.#channel = new Channel(right);
    this.#channel.receive((message) => {
      this.#received.push(message);
      this.#arrival.resolve();
    });
    this.spawner = new RemoteSpawner(
      new Channel(left),
      (worker, stream, bytes) => {
        const text = new TextDecoder().decode(bytes);
        this.outputs.push([worker, stream, text]);
      },
    );
  }

  /** Returns the client's next message. */
  async hear(): Promise<unknown[]> {
    while (this.#received.length === 0) {
      this.#arrival = Promise.withResolvers();
      await this.#arrival.promise;
    }
    return this.#received.shift()!;
  }

  async say(...message: unknown[]): Promise<void> {
    this.#channel.writer.message(message);
    await this.#channel.drained();
  }

  /** Pings, so that everything sent before has been read. */
  async heard(): Promise<void> {
    const ping = this.spawner.ping();
    for (;;) {
      const [type, id] = await this.hear();
      if (type !== SpawnerMessageType.PING) continue;
      await this.say(SpawnerMessageType.PONG, id, Date.now());
      break;
    }
    await ping;
  }

  hangUp(): void {
    this.#channel.close();
  }
}

Deno.test("RemoteSpawner.open() sends the request and returns the machine", async () => {
  const scene = new Scene();
  const machine = scene.spawner.open(REQUEST);
  assertEquals(await scene.hear(), [SpawnerMessageType.OPEN, REQUEST]);
  await scene.say(SpawnerMessageType.READY, MACHINE);
  assertEquals(await machine, MACHINE);
  scene.spawner.close();
});

Deno.test("RemoteSpawner.open() rejects when the spawner hangs up", async () => {
  const scene = new Scene();
  const machine = scene.spawner.open(REQUEST);
  await scene.hear();
  scene.hangUp();
  await assertRejects(() => machine, Error, "has closed the connection");
  assertEquals(await scene.spawner.closed, undefined);
  await assertRejects(() => scene.spawner.open(REQUEST), Error, "has closed");
});

Deno.test("RemoteSpawner closes the connection when a message isn't a spawner's", async () => {
  const scene = new Scene();
  const machine = scene.spawner.open(REQUEST);
  const { ended } = scene.spawner.start(1, "worker");
  await scene.say(SpawnerMessageType.OPEN, REQUEST);
  await assertRejects(
    () => machine,
    RangeError,
    "a spawner doesn't send messages of type 1",
  );
  assert(await scene.spawner.closed instanceof RangeError);
  assertEquals(await ended, LOST);
});

Deno.test("RemoteSpawner closes the connection when the spawner relays others unasked", async () => {
  const scene = new Scene();
  await scene.say(SpawnerMessageType.RELAY_OPEN, 0);
  const error = await scene.spawner.closed as Error;
  assertEquals(error.message, "Malformed message: no connection is relayed");
});

Deno.test("RemoteSpawner.start() reports the end of each worker", async () => {
  const scene = new Scene();
  const [first, second] = [
    scene.spawner.start(3, "worker"),
    scene.spawner.start(5, "worker"),
  ];
  assertEquals(await scene.hear(), [SpawnerMessageType.START, 3]);
  assertEquals(await scene.hear(), [SpawnerMessageType.START, 5]);
  await scene.say(
    SpawnerMessageType.ENDED,
    5,
    "exit code 1",
    "no memory",
    undefined,
  );
  assertEquals(await second.ended, {
    exitStatus: "exit code 1",
    stderrTail: "no memory",
  });
  await scene.say(SpawnerMessageType.ENDED, 9, "exit code 0", "", undefined);
  first.kill();
  assertEquals(await scene.hear(), [SpawnerMessageType.KILL, 3]);
  await scene.say(SpawnerMessageType.ENDED, 3, "signal SIGKILL", "", undefined);
  assertEquals(await first.ended, {
    exitStatus: "signal SIGKILL",
    stderrTail: "",
  });
  scene.spawner.close();
});

Deno.test("RemoteSpawner reports workers as lost when the connection ends", async () => {
  const scene = new Scene();
  const workers = [1, 2].map((worker) => scene.spawner.start(worker, "worker"));
  await scene.say(SpawnerMessageType.ENDED, 1, "exit code 0", "", undefined);
  await workers[0]!.ended;
  scene.hangUp();
  assertEquals(await workers[0]!.ended, {
    exitStatus: "exit code 0",
    stderrTail: "",
  });
  assertEquals(await workers[1]!.ended, LOST);
  await scene.spawner.closed;
  const late = scene.spawner.start(3, "worker");
  assertEquals(await late.ended, LOST);
  late.kill();
});

Deno.test("RemoteSpawner.close() closes the connection", async () => {
  const scene = new Scene();
  const { ended } = scene.spawner.start(1, "worker");
  scene.spawner.close();
  assertEquals(await ended, LOST);
  assertEquals(await scene.spawner.closed, undefined);
});

Deno.test("RemoteSpawner passes on the output of workers in order", async () => {
  const scene = new Scene();
  const bytes = (text: string) => new TextEncoder().encode(text);
  const { OUTPUT } = SpawnerMessageType;
  for (const worker of [1, 2]) scene.spawner.start(worker, "worker");
  await scene.say(OUTPUT, 1, "stdout", bytes("a\n"));
  await scene.say(OUTPUT, 2, "stderr", bytes("b"));
  await scene.say(OUTPUT, 1, "stdout", bytes("c\n"));
  await scene.heard();
  assertEquals(scene.outputs, [
    [1, "stdout", "a\n"],
    [2, "stderr", "b"],
    [1, "stdout", "c\n"],
  ]);
  scene.spawner.close();
});

Deno.test("RemoteSpawner ignores output of workers that don't run", async () => {
  const scene = new Scene();
  const say = (worker: number, text: string) => {
    const bytes = new TextEncoder().encode(text);
    return scene.say(SpawnerMessageType.OUTPUT, worker, "stdout", bytes);
  };
  const { ended } = scene.spawner.start(1, "worker");
  await say(2, "not started\n");
  await say(1, "running\n");
  await scene.say(SpawnerMessageType.ENDED, 1, "exit code 0", "", undefined);
  await say(1, "ended\n");
  await ended;
  await scene.heard();
  assertEquals(scene.outputs, [[1, "stdout", "running\n"]]);
  scene.spawner.close();
});

Deno.test("RemoteSpawner.ping() returns the round trip and the offset of the clock", async () => {
  const scene = new Scene();
  const before = performance.now();
  const pings = [scene.spawner.ping(), scene.spawner.ping()];
  const heard = [await scene.hear(), await scene.hear()];
  assertEquals(heard.map(([type]) => type), [
    SpawnerMessageType.PING,
    SpawnerMessageType.PING,
  ]);
  const { PONG } = SpawnerMessageType;
  const hour = 3_600_000;
  await scene.say(PONG, 77, 0);
  await scene.say(PONG, heard[1]![1], Date.now() - hour);
  await scene.say(PONG, heard[0]![1], Date.now() + hour);
  const [ahead, behind] = await Promise.all(pings);
  const passed = performance.now() - before;
  for (const { roundTrip } of [ahead!, behind!]) {
    assert(roundTrip >= 0 && roundTrip <= passed, `${roundTrip} ms`);
  }
  assert(Math.abs(ahead!.clockOffset - hour) <= passed + 2);
  assert(Math.abs(behind!.clockOffset + hour) <= passed + 2);
  scene.spawner.close();
});
