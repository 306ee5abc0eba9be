import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { HostError } from "../../../src/errors/host_error.ts";
import { PoolClosedError } from "../../../src/errors/pool_closed_error.ts";
import type {
  Connector,
  ConnectorFailure,
  SpawnerConnection,
} from "../../../src/hosts/remote/connector.ts";
import { RemoteHost } from "../../../src/hosts/remote/remote_host.ts";
import {
  type SessionRequest,
  SpawnerMessageType,
} from "../../../src/protocol/spawner_messages.ts";
import { Channel } from "../../../src/transport/channel.ts";
import { KeepAlive } from "../../../src/util/keep_alive.ts";
import { MemoryConnection } from "../../helpers/memory_connection.ts";

const REQUEST: SessionRequest = {
  address: "tcp::7000",
  grants: {},
  denoArgs: [],
  env: {},
};

const MACHINE = {
  deno: "2.9.6",
  platform: "linux x86_64",
  cpus: 3,
  memory: 2 ** 34,
};

/** Connects to a fake spawner, which the test controls. */
class FakeConnector implements Connector {
  readonly kind = "spawner";
  readonly secret = new Uint8Array(32);
  readonly lost: Promise<HostError>;
  readonly failures: ConnectorFailure[] = [];
  closedBy: Error | undefined;
  lose!: (error: HostError) => void;
  /** The spawner's end. */
  readonly spawner: Channel;
  readonly #channel: Channel;

  constructor() {
    const [left, right] = MemoryConnection.pair();
    this.#channel = new Channel(left);
    this.spawner = new Channel(right);
    this.lost = new Promise((resolve) => this.lose = resolve);
  }

  connect: () => Promise<SpawnerConnection> = () =>
    Promise.resolve({ channel: this.#channel, request: REQUEST });

  /** Answers the pool's request. */
  answer(): void {
    this.spawner.receive(() => {
      this.spawner.writer.message([SpawnerMessageType.READY, MACHINE]);
      this.spawner.flush();
    });
  }

  explain(failure: ConnectorFailure): HostError {
    this.failures.push(failure);
    return new HostError("far", "connection", failure.code);
  }

  // deno-lint-ignore require-await
  async close(reason: Error): Promise<void> {
    this.closedBy = reason;
  }
}

function makeHost(workers = 0): { host: RemoteHost; connector: FakeConnector } {
  const connector = new FakeConnector();
  const settings = { name: "far", workers };
  const services = {
    onOutput: () => {},
    heartbeatTimeout: Infinity,
    admit: () => {},
  };
  return { host: new RemoteHost(settings, connector, services), connector };
}

for (const [workers, started] of [[0, 3], [5, 5]] as const) {
  Deno.test(`RemoteHost.open() returns ${started} workers if the pool wants ${workers} and there are 3 CPUs`, async () => {
    const { host, connector } = makeHost(workers);
    connector.answer();
    assertEquals(await host.open(60_000), started);
    assertEquals(host.machine, MACHINE);
    await host.close();
  });
}

Deno.test("RemoteHost.open() rejects with the connector's explanation of a timeout", async () => {
  // A timeout doesn't keep the program alive by itself.
  const keepAlive = new KeepAlive();
  keepAlive.hold();
  const { host, connector } = makeHost();
  connector.connect = () => new Promise(() => {});
  const error = await assertRejects(() => host.open(10), HostError);
  keepAlive.close();
  assertEquals(error.message, "timeout");
  assertEquals(connector.failures, [{ code: "timeout", timeout: 10 }]);
  await host.close();
});

Deno.test("RemoteHost.open() makes the connector explain failures, except HostErrors", async () => {
  const { host, connector } = makeHost();
  const cause = new TypeError("no way");
  connector.connect = () => Promise.reject(cause);
  await assertRejects(() => host.open(60_000), HostError, "failed");
  assertEquals(connector.failures, [{ code: "failed", cause }]);
  const known = new HostError("far", "key", "wrong key");
  connector.connect = () => Promise.reject(known);
  const thrown = await assertRejects(() => host.open(60_000));
  assertStrictEquals(thrown, known);
  assertEquals(connector.failures.length, 1);
});

Deno.test("RemoteHost.lost resolves when the spawner closes the connection", async () => {
  const { host, connector } = makeHost();
  connector.answer();
  await host.open(60_000);
  connector.spawner.close();
  assertEquals((await host.lost).message, "closed");
  await host.close();
});

Deno.test("RemoteHost.lost resolves when the connector notices the loss", async () => {
  const { host, connector } = makeHost();
  connector.answer();
  await host.open(60_000);
  const loss = new HostError("far", "connection", "ssh has ended");
  connector.lose(loss);
  assertStrictEquals(await host.lost, loss);
  await host.close();
});

Deno.test("RemoteHost.close() closes a connection that is made too late", async () => {
  const { host, connector } = makeHost();
  const { promise, resolve } = Promise.withResolvers<SpawnerConnection>();
  connector.connect = () => promise;
  const opening = host.open(60_000);
  await host.close();
  const [left] = MemoryConnection.pair();
  const channel = new Channel(left);
  resolve({ channel, request: REQUEST });
  await assertRejects(() => opening, PoolClosedError);
  assertEquals(channel.closed, true);
  assertEquals(connector.closedBy instanceof PoolClosedError, true);
});
