import { deadline } from "@std/async/deadline";

/** How long a task may take to come to a gate, in milliseconds. */
const TIMEOUT = 60_000;

/**
 * A place where tasks wait until a test lets them go on, and which tells the
 * test that they are there.
 */
export class Gate implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #waiting: Deno.Conn[] = [];

  /** What {@linkcode passGate} is to be called with. */
  get port(): number {
    return this.#listener.addr.port;
  }

  /** Resolves, when one more task has come to the gate, to its connection. */
  async entered(): Promise<Deno.Conn> {
    const connection = await deadline(this.#listener.accept(), TIMEOUT);
    this.#waiting.push(connection);
    return connection;
  }

  /** Lets the tasks go on that have entered. */
  open(): void {
    for (const connection of this.#waiting.splice(0)) connection.close();
  }

  /** Lets all go on, those that come later too. */
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
