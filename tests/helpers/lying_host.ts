import { Channel } from "../../src/transport/channel.ts";
import { parseAddress } from "../../src/transport/address.ts";
import { connect } from "../../src/transport/connect.ts";
import { admitPool } from "../../src/protocol/spawner_handshake.ts";
import { introduceWorker } from "../../src/protocol/worker_handshake.ts";
import { MessageType } from "../../src/protocol/worker_messages.ts";
import {
  type SessionRequest,
  SpawnerMessageType,
} from "../../src/protocol/spawner_messages.ts";
import { hangUp } from "./connections.ts";

const { CALLS, CHUNK, SETTLED_CHUNK, OPEN, RECALL } = MessageType;

const WITH_CALLS: unknown[] = [CALLS, CHUNK, SETTLED_CHUNK, OPEN];

/** A worker's reaction to its first call. */
export type Lie = (id: number, channel: Channel, connection: Deno.Conn) => void;

/** A spawner server whose workers are this program, and lie. */
export class LyingHost implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #connections: { close(): void }[] = [this.#listener];
  readonly #serving: Promise<unknown>[] = [];
  readonly #lie: Lie;
  readonly #onRecall: Lie | undefined;
  /** Called when a worker has received a call, before it lies. */
  readonly called = Promise.withResolvers<void>();

  /**
   * Starts to listen; each worker tells this lie.
   *
   * @param onRecall The lie about calls that are recalled; its id is that of the
   * last call.
   */
  constructor(lie: Lie, onRecall?: Lie) {
    this.#lie = lie;
    this.#onRecall = onRecall;
    this.#serving.push(this.#serve());
  }

  /** The host's specification for a pool. */
  get spec(): string {
    return `127.0.0.1:${this.#listener.addr.port}/1`;
  }

  async #serve(): Promise<void> {
    const connection = await this.#listener.accept();
    this.#connections.push(connection);
    const secret = await admitPool(connection, "");
    const channel = new Channel(connection);
    let address = "";
    const post = (...message: unknown[]) => {
      channel.writer.message(message);
      channel.flush();
    };
    await channel.receive(([type, value]) => {
      if (type === SpawnerMessageType.OPEN) {
        const { port } = parseAddress(
          (value as SessionRequest).address.replace("::", ":127.0.0.1:"),
        ) as { port: number };
        address = `tcp:127.0.0.1:${port}`;
        const machine = { deno: "2", platform: "x", cpus: 1, memory: 1 };
        post(SpawnerMessageType.READY, machine);
      } else if (type === SpawnerMessageType.START) {
        const worker = value as number;
        const ended = () =>
          post(SpawnerMessageType.ENDED, worker, "exit code 0", "", undefined);
        this.#serving.push(this.#work(address, secret, worker).then(ended));
      } else if (type === SpawnerMessageType.PING) {
        post(SpawnerMessageType.PONG, value, Date.now());
      }
    }).catch(() => {});
  }

  async #work(
    address: string,
    secret: Uint8Array<ArrayBuffer>,
    worker: number,
  ): Promise<void> {
    const connection = await connect(
      parseAddress(address),
      "",
    ) as Deno.Conn;
    this.#connections.push(connection);
    await introduceWorker(connection, secret, worker);
    const channel = new Channel(connection);
    let last = 0;
    await channel.receive(([type, , id, , items]) => {
      if (type === RECALL) this.#onRecall?.(last, channel, connection);
      if (!WITH_CALLS.includes(type)) return;
      last = id as number;
      if (type === CALLS) last += (items as unknown[]).length - 1;
      this.called.resolve();
      this.#lie(id as number, channel, connection);
    }).catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#connections) {
      hangUp(connection as Deno.Conn);
    }
    await Promise.allSettled(this.#serving);
  }
}

/** Makes a lie from messages. */
export function says(...messages: ((id: number) => unknown[])[]): Lie {
  return (id, channel) => {
    for (const message of messages) channel.writer.message(message(id));
    channel.flush();
  };
}
