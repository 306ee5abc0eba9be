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
