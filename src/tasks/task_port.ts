/**
 * A running task's end of the messages between the task and its caller.
 *
 * Iterating over the port yields what the caller sends, in order. The iteration
 * ends when the task ends or is cancelled. If the task leaves a loop, the next
 * one continues with the next message.
 *
 * @example In a task module
 * ```ts ignore
 * import { taskPort } from "@distex/pool";
 *
 * export async function train(steps: number): Promise<number> {
 *   const port = taskPort<"stop", { step: number; loss: number }>();
 *   let isStopped = false;
 *   (async () => {
 *     for await (const _ of port) isStopped = true;
 *   })();
 *   let loss = 1;
 *   for (let step = 0; step < steps && !isStopped; step++) {
 *     loss *= 0.9;
 *     await port.postMessage({ step, loss });
 *   }
 *   return loss;
 * }
 * ```
 *
 * @typeParam Received The type of the messages from the caller.
 * @typeParam Sent The type of the messages to the caller.
 */
export interface TaskPort<Received = unknown, Sent = unknown>
  extends AsyncIterableIterator<Received, undefined> {
  /** Returns itself. */
  [Symbol.asyncIterator](): TaskPort<Received, Sent>;
  /**
   * Sends a message to the caller: to the option `onMessage`, or to
   * {@linkcode Future.onMessage}. A task that never awaits sends its messages
   * when it returns.
   *
   * @param message The message, any value that can be sent.
   * @returns A promise that resolves when it was sent and there is room for
   * another message.
   * @throws {DOMException} Named `"QuotaExceededError"` if the caller hasn't
   * read the last 1,024 messages or 512 KiB, `"DataCloneError"` if the message
   * can't be sent, or `"InvalidStateError"` in a getter of a value that is being
   * sent.
   */
  postMessage(message: Sent): Promise<void>;
}

/**
 * Returns the port of the running task, for messages to and from its caller.
 *
 * Call it in a task, before the task awaits anything. In a task that isn't an
 * arrow function, `this.port` is the same port.
 *
 * @example In a task module
 * ```ts ignore
 * import { taskPort } from "@distex/pool";
 *
 * export async function copy(files: string[], folder: string): Promise<void> {
 *   const port = taskPort<never, string>();
 *   for (const file of files) {
 *     await Deno.copyFile(file, `${folder}/${file}`);
 *     await port.postMessage(file);
 *   }
 * }
 * ```
 *
 * @example In an inline task
 * ```ts
 * import { Pool, type TaskThis } from "@distex/pool";
 * import { assertEquals } from "@std/assert";
 *
 * async function sum(this: TaskThis): Promise<number> {
 *   let total = 0;
 *   for await (const x of this.port) {
 *     if (x === "end") break;
 *     total += x as number;
 *   }
 *   return total;
 * }
 *
 * await using pool = new Pool(1);
 * const future = pool.submit(sum);
 * for (const x of [1, 2, 3, "end"]) await future.postMessage(x);
 * assertEquals(await future, 6);
 * ```
 *
 * @typeParam Received The type of the messages from the caller.
 * @typeParam Sent The type of the messages to the caller.
 * @returns The port.
 * @throws {Error} If no task is running, or it has already awaited something.
 */
export function taskPort<Received = unknown, Sent = unknown>(): TaskPort<
  Received,
  Sent
> {
  const current = (globalThis as Record<symbol, unknown>)[
    Symbol.for("@distex/pool taskPort")
  ] as (() => TaskPort<Received, Sent> | undefined) | undefined;
  const port = current?.();
  if (port !== undefined) return port;
  throw new Error(
    "No task is running: a task must call taskPort() before it awaits anything",
  );
}
