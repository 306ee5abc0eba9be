import type { Address } from "../transport/address.ts";
import { Channel } from "../transport/channel.ts";
import { CutShortError } from "../transport/frame_reader.ts";
import { connect } from "../transport/connect.ts";
import type { Connection } from "../transport/connection.ts";
import { useCodec } from "../protocol/value_codec.ts";
import { introduceWorker } from "../protocol/worker_handshake.ts";
import { Executor } from "./executor.ts";
import { GuardedConnection } from "./guarded_connection.ts";
import type { MaxMemory } from "./max_memory.ts";
import { ResultWriter } from "./result_writer.ts";

// Tasks may replace it.
const { ConnectionReset } = Deno.errors;

/** The settings that a worker needs to connect to its pool. */
export interface WorkerOrders {
  /** The address where the pool listens. */
  readonly address: Address;
  /** The number of the worker in the pool. */
  readonly worker: number;
  /** The secret that pool and worker share. */
  readonly secret: Uint8Array<ArrayBuffer>;
  /** The pool's certificate (PEM) for a `tls` address; otherwise empty. */
  readonly certificate: string;
  /** The limit of the worker's memory, if there is one. */
  readonly memory?: MaxMemory | undefined;
}

/**
 * Connects to the pool and serves it until the connection ends.
 *
 * @throws {Error} If the pool can't be reached, or doesn't know the secret.
 */
export async function serve(orders: WorkerOrders): Promise<void> {
  const { address, certificate } = orders;
  await serveConnection(await connect(address, certificate), orders);
}

/**
 * Serves the pool at the other end of a new connection until it ends.
 *
 * @throws {Error} If the pool doesn't know the secret.
 */
export async function serveConnection(
  connection: Connection,
  { secret, worker, memory }: Pick<
    WorkerOrders,
    "secret" | "worker" | "memory"
  >,
): Promise<void> {
  // This has no time limit, as the pool's program may be busy.
  const { concurrency, codec, outputCalls } = await introduceWorker(
    connection,
    secret,
    worker,
  );
  if (outputCalls === true) {
    const { labelOutput } = await import("./label_output.ts");
    await labelOutput();
  }
  const channel = new Channel(new GuardedConnection(connection));
  await useCodec(channel, codec);
  const executor = new Executor(
    new ResultWriter(channel),
    Number(concurrency),
    false,
    memory,
  );
  try {
    await channel.receive((message, byteLength) =>
      executor.receive(message, byteLength)
    );
  } catch (error) {
    // The pool may end while it sends values to a task that doesn't read on, or
    // before it has read that no call is given back.
    const isEnd = error instanceof CutShortError ||
      error instanceof ConnectionReset && executor.isIdle;
    if (!isEnd) throw error;
  }
}
