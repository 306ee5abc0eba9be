import type { HostKind } from "./host.ts";

/**
 * A command that a pool runs; see {@linkcode Pool.dryRun}.
 *
 * @example Usage
 * ```ts
 * import { type PlannedCommand, Pool } from "@distex/pool";
 * import { assertEquals } from "@std/assert";
 *
 * await using pool = new Pool({ workers: 2, lazy: true });
 * const [plan] = await pool.dryRun();
 * const commands: readonly PlannedCommand[] = plan!.commands;
 * assertEquals(commands.map(({ args }) => args[1]), ["run", "run"]);
 * ```
 */
export interface PlannedCommand {
  /** The program and its arguments. */
  readonly args: readonly string[];
  /** The text for its standard input, if any. Secrets are left out. */
  readonly input?: string;
  /** Environment variables that it gets. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * A file that a pool writes before it runs commands; see
 * {@linkcode Pool.dryRun}.
 *
 * @example Usage
 * ```ts ignore
 * import { type PlannedFile, Pool } from "@distex/pool";
 *
 * await using pool = new Pool({ workers: 0, hosts: "slurm://short/8" });
 * const [plan] = await pool.dryRun();
 * const files: readonly PlannedFile[] = plan!.files;
 * for (const { path, mode } of files) console.log(path, mode.toString(8));
 * ```
 */
export interface PlannedFile {
  /** Its path. */
  readonly path: string;
  /** Its permissions, such as `0o600`. */
  readonly mode: number;
  /** Its content. Secrets are left out. */
  readonly text: string;
}

/**
 * How a pool starts the workers of a host; see {@linkcode Pool.dryRun}.
 *
 * @example Usage
 * ```ts
 * import { type HostPlan, Pool } from "@distex/pool";
 * import { assertEquals } from "@std/assert";
 *
 * await using pool = new Pool({ workers: 2, lazy: true });
 * const plans: HostPlan[] = await pool.dryRun();
 * assertEquals(plans.map(({ host, kind }) => [host, kind]), [
 *   ["local", "local"],
 * ]);
 * ```
 */
export interface HostPlan {
  /** The name of the host. */
  readonly host: string;
  /** How its workers are started. */
  readonly kind: HostKind;
  /** Who starts the workers, if not the commands; otherwise empty. */
  readonly note: string;
  /** The files that the pool writes. */
  readonly files: readonly PlannedFile[];
  /** The commands that the pool runs, in this order. */
  readonly commands: readonly PlannedCommand[];
}
