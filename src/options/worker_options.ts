import type { TaskLike } from "../tasks/task.ts";
import type { WorkerPermissions } from "./worker_permissions.ts";

/**
 * How workers are started: the part of {@linkcode PoolOptions} about worker
 * processes.
 *
 * @example Usage
 * ```ts
 * import { Pool, type WorkerOptions } from "@distex/pool";
 * import { assertEquals } from "@std/assert";
 *
 * const options: WorkerOptions = { env: { GREETING: "hello" } };
 * await using pool = new Pool({ workers: 1, ...options });
 * assertEquals(await pool.run(() => Deno.env.get("GREETING")), "hello");
 * ```
 *
 * @typeParam Args The arguments of the initializer. If they are unknown, the
 * type check ignores them.
 */
export interface WorkerOptions<Args extends unknown[] = never[]> {
  /**
   * A task that each worker runs before any other.
   *
   * @default {undefined}
   */
  readonly initializer?: TaskLike<Args, unknown>;
  /**
   * The arguments of `initializer`.
   *
   * @default {[]}
   */
  readonly initializerArgs?: InitializerArgs<Args>;
  /**
   * What tasks may do. `"inherit"` grants the permissions that this program
   * has.
   *
   * @default {"inherit"}
   */
  readonly permissions?: WorkerPermissions;
  /**
   * The deno.json, deno.jsonc or package.json with which workers resolve
   * imports, as a path or a file URL. `false` means none, and no `vendor`
   * folder either. The default is the nearest one to this program's main
   * module, in its folder or above. A program can't see its own `--config` and
   * `--import-map` flags: if it has them, pass the same file here, or use
   * `denoArgs: ["--import-map", path]`.
   */
  readonly config?: string | URL | false;
  /**
   * Extra arguments for each worker's `deno run`. All users of the machine can
   * see them.
   *
   * @default {[]}
   */
  readonly denoArgs?: readonly string[];
  /**
   * Environment variables of workers, added to those of this process.
   *
   * @default {{}}
   */
  readonly env?: Readonly<Record<string, string>>;
  /**
   * The working directory of workers on this machine. The default is that of
   * this process. Set it for other machines with {@linkcode HostOptions.cwd}.
   */
  readonly cwd?: string;
  /**
   * Where the output of workers goes. `"lines"` writes it to this process's
   * stdout and stderr line by line, with the worker's name. `"inherit"` lets
   * workers on this machine write there directly; for other machines, it works
   * like `"lines"`. `"null"` discards the output, and also the pool's own
   * reports about hosts.
   *
   * @default {"lines"}
   */
  readonly stdio?: "lines" | "inherit" | "null";
  /**
   * Whether each worker has a debugger on a port of its own. The pool prints its
   * address on stderr, which is also its password. With `"wait"`, each worker
   * waits for a debugger before it runs anything, and `startTimeout` doesn't
   * limit that. With `true` or `"wait"`, `stdio: "inherit"` works like
   * `"lines"`.
   *
   * @default {false}
   */
  readonly inspect?: boolean | "wait";
  /**
   * Whether each line that a task prints with `console` begins with the call that
   * the task runs for, as in `[resize #12]`: the name of the task, and the index
   * of the item in its map. Other calls of a pool count from 0 in the order in
   * which they are made; with {@linkcode CallOptions.seed}, those of each runner
   * that `with()` returns. This works after an `await`, too, and when several
   * tasks run at once.
   *
   * Lines of initializers, of inline workers, and those that don't come from
   * `console`, remain as they are. Objects are shown as `node:console` shows them.
   * Each call costs a few microseconds more.
   *
   * @default {false}
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   *
   * await using pool = new Pool({ workers: 1, outputCalls: true });
   * async function fetchAll(page: number) {
   *   console.log("begins"); // [local worker 1] [fetchAll #0] begins
   *   await Promise.resolve();
   *   console.log("ends"); // [local worker 1] [fetchAll #0] ends
   *   return page;
   * }
   * await pool.map(fetchAll, [1, 2]).toArray();
   * ```
   */
  readonly outputCalls?: boolean;
}

/**
 * The type of the option `initializerArgs`.
 *
 * @typeParam Args The arguments that the initializer takes.
 *
 * @internal
 */
export type InitializerArgs<Args extends unknown[]> = Args extends []
  ? readonly []
  : Args extends never[] ? readonly unknown[]
  : Readonly<Args>;

/**
 * Makes the option `initializerArgs` mandatory if the initializer needs
 * arguments.
 *
 * @typeParam Args The arguments that the initializer takes.
 *
 * @internal
 */
export type NeededInitializerArgs<Args extends unknown[]> = [] extends Args
  ? unknown
  : Args extends never[] ? unknown
  : { readonly initializerArgs: InitializerArgs<Args> };
