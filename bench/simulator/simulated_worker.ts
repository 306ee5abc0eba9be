import { connect } from "../../src/transport/connect.ts";
import type { Connection } from "../../src/transport/connection.ts";
import { serveConnection, type WorkerOrders } from "../../src/worker/serve.ts";

/**
 * A worker without a process of its own: everything else is the code of a real
 * worker, and it runs real tasks.
 */
export class SimulatedWorker {
  /** Resolves when the worker has ended, to its exit status in words. */
  readonly ended: Promise<string>;
  #connection: Connection | undefined;
  #killed = false;

  /** Connects to the pool. */
  constructor(orders: WorkerOrders) {
    this.ended = this.#run(orders).then(
      () => this.#killed ? "signal SIGKILL" : "exit code 0",
      (error) => this.#killed ? "signal SIGKILL" : `exit code 1: ${error}`,
    );
  }

  /** Ends the worker at once, as SIGKILL ends a process. */
  kill(): void {
    if (this.#killed) return;
    this.#killed = true;
    try {
      this.#connection?.close();
    } catch {
      // The worker has closed it.
    }
  }

  async #run(orders: WorkerOrders): Promise<void> {
    const connection = await connect(orders.address, orders.certificate);
    this.#connection = connection;
    if (this.#killed) return connection.close();
    await serveConnection(connection, orders);
  }
}
