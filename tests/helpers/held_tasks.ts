import { bind, type Task } from "../../mod.ts";
import { realDeadline } from "./real_timers.ts";

/** How long a task may take to begin, in milliseconds. */
const TIMEOUT = 60_000;

/** How a held task waits: whether its worker can do other things meanwhile. */
export type Hold = "async" | "sync";

/**
 * Tasks that record when they begin. Some are held: they don't return until the
 * test releases them.
 */
export class HeldTasks implements AsyncDisposable {
  readonly #folder = Deno.makeTempDirSync({ prefix: "test-held-" });
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #held = new Map<number, Deno.Conn>();
  readonly #accepting: Promise<void>;
  #changed = Promise.withResolvers<void>();
  #ended = false;

  /** A task that returns its argument, once it isn't held. */
  readonly task: Task<[x: number], number>;

  /** Makes tasks that are held with these arguments. */
  constructor(held: readonly number[], hold: Hold = "async") {
    const { port } = this.#listener.addr;
    this.task = bind(begin, this.#notes, port, held, hold);
    this.#accepting = this.#accept();
  }

  /** The arguments of the tasks that have begun, in order. */
  get begun(): number[] {
    return this.#lines().map(([x]) => x!);
  }

  /** The arguments of the tasks that have begun, without their order. */
  get sorted(): number[] {
    return this.begun.toSorted((a, b) => a - b);
  }

  /** Returns the process id of the worker where a task has begun. */
  pidOf(x: number): number {
    return this.#lines().findLast(([other]) => other === x)![1]!;
  }

  /** Waits until tasks with these arguments are held at the same time. */
  async held(...xs: number[]): Promise<void> {
    const wait = async () => {
      while (!xs.every((x) => this.#held.has(x))) await this.#changed.promise;
    };
    await realDeadline(wait(), TIMEOUT);
  }

  /** Lets held tasks return. */
  release(...xs: number[]): void {
    for (const x of xs) {
      Deno.writeTextFileSync(`${this.#notes}-${x}`, "");
      this.#held.get(x)!.close();
      this.#held.delete(x);
    }
  }

  /** Takes note that the workers of held tasks are lost; they may be held again. */
  forget(...xs: number[]): void {
    for (const x of xs) {
      this.#held.get(x)!.close();
      this.#held.delete(x);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    this.#listener.close();
    await this.#accepting;
    this.release(...this.#held.keys());
    await Deno.remove(this.#folder, { recursive: true });
  }

  /** Returns the path of a file for the test's own use. */
  path(name: string): string {
    return `${this.#folder}/${name}`;
  }

  get #notes(): string {
    return this.path("notes");
  }

  #lines(): number[][] {
    try {
      return Deno.readTextFileSync(this.#notes).split("\n").slice(0, -1)
        .map((line) => line.split(" ").map(Number));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  }

  async #accept(): Promise<void> {
    for await (const connection of this.#listener) {
      const bytes = new Uint8Array(4);
      const size = await connection.read(bytes).catch(() => null);
      if (size !== bytes.length || this.#ended) {
        connection.close();
        continue;
      }
      const x = new DataView(bytes.buffer).getUint32(0);
      // Its worker may have been lost.
      this.#held.get(x)?.close();
      this.#held.set(x, connection);
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    }
  }
}

/** Notes that a task begins, and holds it if it is one of these. */
async function begin(
  path: string,
  port: number,
  held: readonly number[],
  hold: Hold,
  x: number,
): Promise<number> {
  Deno.writeTextFileSync(path, `${x} ${Deno.pid}\n`, { append: true });
  if (!held.includes(x)) return x;
  const exists = (file: string) => {
    try {
      return Deno.statSync(file).isFile;
    } catch {
      return false;
    }
  };
  const isReleased = () => exists(`${path}-${x}`) || !exists(path);
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, x);
  try {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.write(bytes);
    if (hold === "async") await connection.read(bytes);
    const cell = new Int32Array(new SharedArrayBuffer(4));
    while (hold === "sync" && !isReleased()) Atomics.wait(cell, 0, 0, 1);
  } catch {
    // The test has ended.
  }
  return x;
}
