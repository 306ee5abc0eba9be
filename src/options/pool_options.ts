import type { FailureOptions } from "./failure_options.ts";
import type { AnyHostOptions } from "./any_host.ts";
import type { LimitOptions } from "./limit_options.ts";
import type { NetworkOptions } from "./network_options.ts";
import type { PlaceOptions } from "./place.ts";
import type { WorkerCount } from "./worker_count.ts";
import type { WorkerOptions } from "./worker_options.ts";

/**
 * Another machine where workers run, or a batch system that starts them: a
 * string of the form `[ssh://][username@]hostname[:port][/workers]` or
 * `slurm://partition/workers`, with the scheme of any batch system, or an object
 * with more options.
 */
export type HostSpec = string | AnyHostOptions;

/**
 * The options of a pool.
 *
 * @example Usage
 * ```ts
 * import { Pool, type PoolOptions } from "@distex/pool";
 * import { assertEquals } from "@std/assert";
 *
 * const options: PoolOptions = { workers: 1, env: { GREETING: "hello" } };
 * await using pool = new Pool(options);
 * assertEquals(await pool.run(() => Deno.env.get("GREETING")), "hello");
 * ```
 *
 * @typeParam Args The arguments of the initializer. If they are unknown, the
 * type check ignores them.
 */
export interface PoolOptions<Args extends unknown[] = never[]>
  extends
    WorkerOptions<Args>,
    LimitOptions,
    FailureOptions,
    NetworkOptions,
    PlaceOptions {
  /**
   * How many workers run on this machine: a number, which may be 0, or a range
   * such as `{ min: 0, max: 8, idle: 60_000 }`, within which their number
   * changes with the work. The default is one per CPU, whether or not there are
   * other hosts.
   *
   * With `"inline"`, one worker runs tasks in the program's own thread, for
   * breakpoints and tests. Values are copied as for other workers. Options about
   * worker processes don't apply to it, and nothing interrupts a task that
   * awaits nothing.
   */
  readonly workers?: WorkerCount | "inline";
  /**
   * Other machines where workers run, one or an array:
   * `[ssh://][username@]hostname[:port][/workers]`, or an object with more
   * options. The pool reaches a host with `ssh://` over ssh, and any other
   * host through a spawner server that runs there. If the number of workers is
   * missing or 0, the pool starts one per CPU of that machine.
   *
   * @default {[]}
   */
  readonly hosts?: HostSpec | readonly HostSpec[];
  /**
   * Which task modules are bundled and sent to workers on other machines.
   * `"auto"` sends those with `file:` URLs, because only this machine can read
   * them. `"bundle"` also sends those with `https:`, `http:`, `jsr:` and
   * `npm:` URLs.
   *
   * @default {"auto"}
   */
  readonly modules?: "auto" | "bundle";
  /**
   * How values are encoded. `"msgpack"` copies an object each time it occurs,
   * and refuses cycles. `"structured"` keeps both: within the arguments of a
   * call, a result, or the constants of `bind()`, an object that occurs twice
   * arrives as one object, and views of one buffer still share it. V8's
   * serializer encodes such values, which takes tens of microseconds more; its
   * format must be the same wherever workers run. Other values take a little
   * more time.
   *
   * @default {"msgpack"}
   */
  readonly codec?: "msgpack" | "structured";
  /**
   * Whether the pool starts its workers only when the first task is submitted,
   * or `hasRoom()` is called with `maxQueue: 0`.
   *
   * @default {false}
   */
  readonly lazy?: boolean;
}
