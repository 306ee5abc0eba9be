import { assertEquals, assertInstanceOf, assertLessOrEqual } from "@std/assert";
import {
  type HostOptions,
  importTasks,
  Pool,
  WorkerLostError,
} from "../../mod.ts";
import { makeNetwork, networkTest } from "../helpers/network.ts";
import { startSpawnerServer, TOKEN } from "../helpers/spawner_server.ts";
import { sshTest, startSshServer } from "../helpers/ssh_server.ts";
import { complete } from "../programs/loss_fixture.ts";

const tasks = importTasks<typeof import("../helpers/stream_tasks.ts")>(
  import.meta.resolve("../helpers/stream_tasks.ts"),
);

/** Yields all integers, and resolves a promise when it is closed. */
async function* closing(closed: () => void): AsyncGenerator<number> {
  try {
    for (let x = 0;; x++) {
      if (x % 512 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
      yield x;
    }
  } finally {
    closed();
  }
}

/** Reads a stream until its worker is lost; returns the values before. */
async function readUntilLost(stream: ReadableStream<number>) {
  const values: number[] = [];
  try {
    for await (const value of stream) values.push(value);
  } catch (error) {
    assertInstanceOf(error, WorkerLostError);
    const { tries, exitStatus } = error;
    const status = "the connection to its host was lost";
    assertEquals([tries, exitStatus], [1, status]);
    return values;
  }
  throw new Error("The stream has ended");
}

/**
 * Loses a host in the middle of streams, and checks how they end.
 *
 * @param lose Makes the host unreachable.
 * @param restore Makes the host reachable again.
 */
async function loseStreams(
  host: HostOptions,
  lose: () => unknown,
  restore: () => Promise<unknown> = () => Promise.resolve(),
): Promise<void> {
  await using pool = new Pool({
    workers: 1,
    hosts: { ...host, name: "far" },
    heartbeatTimeout: 2_000,
  });
  const there = pool.with({ host: "far", retries: 1 });
  // Its reader stops, so it waits there.
  const stopped = there.stream(tasks.countForever);
  const stoppedReader = stopped.getReader();
  assertEquals((await stoppedReader.read()).value, 0);
  const read = there.stream(tasks.countThenWait, 100);
  const reader = read.getReader();
  for (let x = 0; x < 100; x++) assertEquals((await reader.read()).value, x);
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const answers = there.stream(tasks.doubles, closing(resolve));
  const answersReader = answers.getReader();
  assertEquals((await answersReader.read()).value, 0);
  for (const each of [stoppedReader, reader, answersReader]) each.releaseLock();
  const lost = readUntilLost(read);
  await lose();
  assertEquals(await lost, []);
  await closed;
  const rest = await readUntilLost(stopped);
  assertLessOrEqual(rest.length, 2 * 4_096);
  assertEquals(rest, rest.map((_, index) => index + 1));
  const doubles = await readUntilLost(answers);
  assertEquals(doubles, doubles.map((_, index) => 2 * (index + 1)));
  const here = pool.with({ host: "local" }).stream(tasks.count, 10);
  assertEquals((await Array.fromAsync(here)).length, 10);
  const later = there.stream(tasks.count, 10_000);
  await restore();
  assertEquals((await Array.fromAsync(later)).length, 10_000);
  await complete(pool);
}

Deno.test("Pool.stream() throws a WorkerLostError after the values when a spawner server is lost", async () => {
  await using server = await startSpawnerServer();
  await using servers = new AsyncDisposableStack();
  await loseStreams(
    { host: server.spec(2) },
    () => server.kill("SIGKILL"),
    async () => {
      const args = ["--port", String(server.port)];
      servers.use(await startSpawnerServer({ args }));
    },
  );
});

sshTest(
  "Pool.stream() throws a WorkerLostError after the values when an ssh host is lost",
  async () => {
    await using server = await startSshServer();
    const { sshArgs, destination } = server;
    await loseStreams(
      { host: `${destination}/2`, sshArgs },
      () => server.killSessions(),
    );
  },
);

networkTest(
  "Pool.stream() throws a WorkerLostError after the values when a host is cut off",
  async () => {
    await using network = await makeNetwork(1);
    const [host] = network.hosts;
    await using server = await startSpawnerServer({
      host: host!,
      token: TOKEN,
    });
    await loseStreams(
      { host: server.spec(2), token: TOKEN },
      () => network.cut(host!),
      () => network.restore(host!),
    );
  },
);
