import type { Labels, Resources } from "./place.ts";
import type { RetryOptions } from "./retry_options.ts";

/**
 * The options of calls, which {@linkcode TaskRunner.with} takes. They apply to
 * maps too.
 *
 * @example Usage
 * ```ts
 * import { type CallOptions, Pool } from "@distex/pool";
 * import { assertRejects } from "@std/assert";
 *
 * const options: CallOptions = { timeout: 100, retries: 2 };
 * await using pool = new Pool(1);
 * const impatient = pool.with(options);
 * const never = () => new Promise<void>(() => {});
 * await assertRejects(() => impatient.run(never), DOMException, "100 ms");
 * ```
 */
export interface CallOptions {
  /**
   * The host where tasks must run: `"local"`, or the name of one of the pool's
   * hosts. By default, they run on any host.
   */
  readonly host?: string;
  /**
   * The labels that a machine must have to run tasks, such as
   * `{ region: "eu" }`. By default, tasks run on any machine.
   */
  readonly where?: Labels;
  /**
   * What each call takes of its machine, such as `{ gpu: 1, memory: "8G" }`,
   * until it ends; for a map, each chunk. A call waits until a machine has
   * enough, and runs at once when it is sent there. The task reads what it got
   * with {@linkcode taskResources}. `runOnAll` only calls workers of machines
   * that have as much, and takes nothing.
   */
  readonly resources?: Resources;
  /**
   * What happens to calls that no worker can run, now or later, because of
   * `where`, `resources` or `host`: they fail with a {@linkcode BrokenPoolError}, or wait
   * for hosts that are added.
   *
   * @default {"fail"}
   */
  readonly onUnmet?: "fail" | "wait";
  /**
   * How long a call may take, in milliseconds from when it is made. For a map,
   * the limit applies to the whole map, from the request for its first result;
   * for a stream, until the task has yielded its last value.
   *
   * @default {undefined}
   */
  readonly timeout?: number;
  /**
   * How long a task may run, in milliseconds from when it begins at its worker:
   * the time that the call waits before doesn't count. A task that runs longer is
   * ended as with `timeout`: its signal is aborted, its worker is killed if it
   * doesn't end within the pool's `cancelGrace`, and its call is rejected with a
   * `DOMException` named `"TimeoutError"`. With {@linkcode CallOptions.retries},
   * each run has the whole time; with {@linkcode CallOptions.retry}, such an error
   * counts as one that the task throws. For a stream, it is the time until the
   * task has yielded its last value.
   *
   * With it, each item of a map is a call of its own, so
   * {@linkcode MapOptions.chunkSize} must be `"auto"` or 1. In a map of
   * {@linkcode MapResults.settled} results, only the item that took too long is
   * rejected. The worker reports the beginning of each such call, which costs some
   * microseconds.
   *
   * @default {undefined}
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * const wait = (ms: number) => new Promise<void>((end) => setTimeout(end, ms));
   * await using pool = new Pool(1);
   * const limited = pool.with({ runTimeout: 1_000 });
   * const outcomes = await limited.map(wait, [1, 60_000]).settled().toArray();
   * assertEquals(outcomes.map(({ status }) => status), ["fulfilled", "rejected"]);
   * ```
   */
  readonly runTimeout?: number;
  /**
   * Cancels calls when it is aborted. They are rejected with its reason.
   *
   * @default {undefined}
   */
  readonly signal?: AbortSignal;
  /**
   * How many times a task that may have begun runs again if its worker is
   * lost. The default is the pool's `retries`. `runOnAll` ignores it, because
   * it calls each worker once. A task doesn't run again after it has read from
   * a stream or was sent a message, or after values that it yields have arrived.
   */
  readonly retries?: number;
  /**
   * Calls that wait are sent in the order of their priority, the highest first;
   * those of equal priority in the order in which they were made. It is any
   * finite number, and also applies to maps. A call that a worker has isn't
   * overtaken there, even if it hasn't begun: see {@linkcode LimitOptions.prefetch}.
   * While calls of a higher priority wait, those of a lower one don't begin,
   * unless a worker may run only these. `runOnAll` ignores it.
   *
   * @default {0}
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool({ workers: 1, prefetch: 0 });
   * const order: string[] = [];
   * const task = (name: string) => name;
   * const note = (name: string) => order.push(name);
   * await Promise.all([
   *   pool.with({ priority: -1 }).run(task, "low").then(note),
   *   pool.run(task, "normal").then(note),
   *   pool.with({ priority: 1 }).run(task, "high").then(note),
   * ]);
   * assertEquals(order, ["high", "normal", "low"]);
   * ```
   */
  readonly priority?: number;
  /**
   * Calls with the same key go to the same worker, as long as it lives, which is
   * good for caches and connections that tasks keep. It is a string, or a
   * function that returns one for the arguments of a call. Keys are shared
   * equally among the workers. If a worker is lost or ends, others get its keys;
   * a worker that is added gets keys that haven't been used before. Keys of calls
   * with different `host`, `where` or `resources` have nothing to do with each
   * other, and a worker has many keys: what is kept for one must have its name.
   *
   * A call waits for its worker even if others are free. A map with a string
   * runs at one worker; with a function, each item is a call of its own, so
   * {@linkcode MapOptions.chunkSize} must be `"auto"` or 1. `speculate` and
   * `runOnAll` ignore keys: a call with a key doesn't run a second time, and
   * `runOnAll` calls all workers.
   *
   * @default {undefined}
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(2);
   * const byUser = pool.with({ key: (user: string) => user });
   * const pid = (_user: string) => Deno.pid;
   * const [ann, bob, again] = await Promise.all([
   *   byUser.run(pid, "ann"),
   *   byUser.run(pid, "bob"),
   *   byUser.run(pid, "ann"),
   * ]);
   * assertEquals([again === ann, bob === ann], [true, false]);
   * ```
   */
  readonly key?: string | ((...args: never[]) => string);
  /**
   * How a task that throws runs again: by default, it doesn't. Between two
   * attempts, the call waits and holds no worker. `timeout`, `signal` and
   * `cancel()` end it then too, and `shutdown()` waits for it. The error that it
   * is rejected with in the end, if that is an object, has a property `attempts`,
   * which isn't enumerable: how many times the task ran.
   *
   * A task that threw doesn't run again after it has read from a stream or was
   * sent a message, after values that it yields have arrived, or if its result
   * can't be sent. Lost workers don't count: see `retries`. `runOnAll` ignores
   * the option.
   *
   * In a map, each item has its own attempts, whatever the chunk size, and costs
   * no other item. What a task yields one by one can't run again: let it return
   * an array. With `speculate`, an attempt may be two runs: if both throw, the
   * last error counts.
   *
   * @default {undefined}
   */
  readonly retry?: RetryOptions;
  /**
   * Makes the random numbers of tasks reproducible, which they get from
   * {@linkcode taskRandom} or `this.random`: an integer from 0 to 2 ** 53 - 1, or
   * a bigint from 0n to 2n ** 64n - 1n. The numbers of a call follow from the seed
   * and its index. The index of an item is that in its map; the other calls of a
   * runner, as `with()` returns it, count from 0 in the order in which they are
   * made. So the first items of two maps with the same seed get the same numbers.
   *
   * @default {undefined}
   *
   * @example Usage
   * ```ts
   * import { Pool, type TaskThis } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * function toss(this: TaskThis): string {
   *   return this.random() < 0.5 ? "heads" : "tails";
   * }
   *
   * await using pool = new Pool(2);
   * const seeded = () => pool.with({ seed: 2011 });
   * const tosses = await seeded().map(toss, new Array(20).fill(0)).toArray();
   * assertEquals(await seeded().run(toss), tosses[0]);
   * ```
   */
  readonly seed?: number | bigint;
  /**
   * Whether a map, or a transform, may run items a second time at the end, when
   * it has nothing left to hand out: if a worker is idle, a call that takes much
   * longer than the others also runs there, on another host if there is one. The
   * first answer counts, be it a result or an error. The other run is cancelled,
   * and its worker is left alone for ten times the pool's `cancelGrace`, or until
   * something needs it. A call takes much longer if it runs for more than twice
   * the 95th percentile of the times that the map's items have taken so far, and
   * for at least 100 ms more than that; 10 items must be known.
   *
   * An item may then begin twice, so the task must permit that; with `retries`,
   * each retry comes on top. Tasks that yield values run once. Other calls ignore
   * the option, and it excludes `onMessage`. The idea is that of the backup tasks
   * of [MapReduce](https://research.google/pubs/mapreduce-simplified-data-processing-on-large-clusters/).
   *
   * @default {false}
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(2);
   * const squares = pool.with({ speculate: true }).map(
   *   (x: number) => x * x,
   *   [1, 2, 3],
   * );
   * assertEquals(await squares.toArray(), [1, 4, 9]);
   * ```
   */
  readonly speculate?: boolean;
  /**
   * Handles the messages that tasks send from their port, in order. If it
   * returns a promise, the next message waits for it, but not the result. If it
   * throws before the call has ended, the call is cancelled and rejected with the
   * error. Without it, messages are dropped.
   *
   * With it, each item of a map is a call of its own, with a port of its own, so
   * {@linkcode MapOptions.chunkSize} must be `"auto"` or 1.
   *
   * @example Usage
   * ```ts
   * import { Pool, type TaskThis } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * async function train(this: TaskThis, steps: number): Promise<string> {
   *   for (let step = 1; step <= steps; step++) {
   *     await this.port.postMessage(step / steps);
   *   }
   *   return "trained";
   * }
   *
   * const progress: number[] = [];
   * await using pool = new Pool(1);
   * const result = await pool.with({
   *   onMessage(done: number) {
   *     progress.push(done);
   *   },
   * }).run(train, 4);
   * assertEquals(result, "trained");
   * assertEquals(progress, [0.25, 0.5, 0.75, 1]);
   * ```
   *
   * @param message The message, which has the type that the task sends.
   * @param port Sends messages to the task.
   */
  onMessage?(message: unknown, port: CallPort): unknown;
}

/** @internal */
export type MessageListener = NonNullable<CallOptions["onMessage"]>;

/**
 * Sends messages to a running task, which reads them from its port:
 * {@linkcode taskPort} or `this.port`.
 *
 * @example Usage
 * ```ts
 * import { type CallPort, Pool, type TaskThis } from "@distex/pool";
 * import { assertEquals } from "@std/assert";
 *
 * async function ask(this: TaskThis): Promise<unknown> {
 *   await this.port.postMessage("What is 6 * 7?");
 *   const { value } = await this.port.next();
 *   return value;
 * }
 *
 * await using pool = new Pool(1);
 * const answer = await pool.with({
 *   onMessage: (_question: unknown, port: CallPort) => port.postMessage(42),
 * }).run(ask);
 * assertEquals(answer, 42);
 * ```
 */
export interface CallPort {
  /**
   * Sends a message. Messages wait in the program until the task opens its
   * port. Messages that the task doesn't read before it ends are dropped.
   *
   * @param message The message, any value that can be sent.
   * @returns A promise that resolves when it was sent and there is room for
   * another message.
   * @throws {DOMException} Named `"QuotaExceededError"` if 1,024 messages wait,
   * `"DataCloneError"` if the message can't be sent, or `"InvalidStateError"` in
   * a getter of a value that is being sent.
   */
  postMessage(message: unknown): Promise<void>;
}
