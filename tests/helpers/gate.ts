import { realDeadline } from "./real_timers.ts";

/** How long a task may take to reach a gate, in milliseconds. */
const TIMEOUT = 60_000;

/**
 * A place where tasks wait until the test lets them continue. The test can wait
 * for their arrival.
 */
export class Gate implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #waiting: Deno.Conn[] = [];

  /** The first argument for {@linkcode passGate}. */
  get port(): number {
    return this.#listener.addr.port;
  }

  /** Resolves to the connection of the next task that reaches the gate. */
  async entered(): Promise<Deno.Conn> {
    const connection = await realDeadline(this.#listener.accept(), TIMEOUT);
    this.#waiting.push(connection);
    return connection;
  }

  /** Lets the tasks that have entered continue. */
  open(): void {
    for (const connection of this.#waiting.splice(0)) connection.close();
  }

  /** Lets all tasks continue, including later ones. */
  // deno-lint-ignore require-await
  async [Symbol.asyncDispose](): Promise<void> {
    this.open();
    this.#listener.close();
  }
}

/** A task: waits at the gate, and returns its second argument. */
export async function passGate<T>(port: number, value: T): Promise<T> {
  try {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.read(new Uint8Array(1));
  } catch {
    // The gate is gone, so it is open.
  }
  return value;
}
