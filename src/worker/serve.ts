import type { Address } from "../transport/address.ts";
import { Channel } from "../transport/channel.ts";
import { connect } from "../transport/connect.ts";
import { introduceWorker } from "../protocol/worker_handshake.ts";
import { Executor } from "./executor.ts";
import { GuardedConnection } from "./guarded_connection.ts";
import { ResultWriter } from "./result_writer.ts";

/** What a worker is told when it is started. */
export interface WorkerOrders {
  /** Where the pool listens. */
  readonly address: Address;
  /** The worker's number in the pool. */
  readonly worker: number;
  /** The secret by which pool and worker know each other. */
  readonly secret: Uint8Array<ArrayBuffer>;
  /** The pool's certificate (PEM), if the address is a `tls` one. */
  readonly certificate: string;
}

/**
 * Connects back to the pool and serves it until the connection ends.
 *
 * @throws {Error} If the pool can't be reached or isn't the right one.
 */
export async function serve(orders: WorkerOrders): Promise<void> {
  const { address, certificate, secret, worker } = orders;
  const connection = await connect(address, certificate);
  // However long that takes: the pool's program may be busy.
  const { concurrency } = await introduceWorker(connection, secret, worker);
  const channel = new Channel(new GuardedConnection(connection));
  const executor = new Executor(
    new ResultWriter(channel),
    Number(concurrency),
  );
  await channel.receive((message) => executor.receive(message));
}
