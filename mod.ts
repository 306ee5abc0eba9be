/**
 * A distributed process pool: runs functions on all cores and other machines.
 *
 * A {@linkcode Pool} listens, starts worker processes that connect back, and
 * hands them tasks: functions given inline, exports of a module
 * ({@linkcode importTasks}), or either with constant arguments
 * ({@linkcode bind}).
 *
 * @example Usage
 * ```ts
 * import { Pool } from "@distex/pool";
 * import { assertEquals } from "@std/assert";
 *
 * await using pool = new Pool();
 * const squares = await pool.map((x: number) => x * x, [1, 2, 3]).toArray();
 * assertEquals(squares, [1, 4, 9]);
 * ```
 *
 * @module
 */

export {
  BrokenPoolError,
  HostError,
  type HostStep,
  PoolClosedError,
  type WorkerLoss,
  WorkerLostError,
} from "./src/errors.ts";
export { Future } from "./src/future.ts";
export type { HostKind } from "./src/hosts/host.ts";
export type { HostOptions, TlsOptions } from "./src/hosts/host_options.ts";
export type { WorkerPermissions } from "./src/hosts/permissions.ts";
export type { AnyIterable } from "./src/items.ts";
export type { MapResults } from "./src/map.ts";
export type {
  CallOptions,
  HostSpec,
  MapOptions,
  PoolOptions,
  ShutdownOptions,
} from "./src/options.ts";
export type { MapInputs } from "./src/map_inputs.ts";
export { Pool } from "./src/pool.ts";
export { TaskRunner } from "./src/runner.ts";
export type { HostStats, PoolStats } from "./src/stats.ts";
export { taskSignal } from "./src/task_signal.ts";
export {
  bind,
  type ImportedTasks,
  importTasks,
  Task,
  type TaskLike,
} from "./src/task.ts";
