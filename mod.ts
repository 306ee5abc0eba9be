/**
 * A distributed process pool: runs functions on all cores and on other
 * machines.
 *
 * A {@linkcode Pool} starts worker processes, which connect back to it, and
 * sends them tasks: inline functions, exports of a module
 * ({@linkcode importTasks}), or either with bound arguments
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

export { BrokenPoolError } from "./src/errors/broken_pool_error.ts";
export { HostError, type HostStep } from "./src/errors/host_error.ts";
export {
  type MemoryUse,
  OutOfMemoryError,
} from "./src/errors/out_of_memory_error.ts";
export {
  JournalError,
  type JournalErrorOptions,
} from "./src/errors/journal_error.ts";
export { PoolClosedError } from "./src/errors/pool_closed_error.ts";
export { QueueFullError } from "./src/errors/queue_full_error.ts";
export {
  type WorkerLoss,
  WorkerLostError,
} from "./src/errors/worker_lost_error.ts";
export {
  asCompleted,
  type AsCompletedOptions,
} from "./src/calls/as_completed.ts";
export { Future, type FutureWait } from "./src/calls/future.ts";
export {
  wait,
  type WaitedFutures,
  type WaitOptions,
} from "./src/calls/wait.ts";
export type { HostKind, LauncherKind } from "./src/hosts/host.ts";
export type {
  HostPlan,
  PlannedCommand,
  PlannedFile,
} from "./src/hosts/host_plan.ts";
export type { PendingAgents } from "./src/hosts/managed_host.ts";
export type { AnyHostOptions } from "./src/options/any_host.ts";
export type { ClusterHostOptions } from "./src/options/cluster_host_options.ts";
export type { ContainerOptions } from "./src/options/container_options.ts";
export type { KubernetesOptions } from "./src/options/kubernetes_options.ts";
export type { PbsDialect, PbsOptions } from "./src/options/pbs_options.ts";
export type { ResourceList } from "./src/options/resource_list.ts";
export type { SgeOptions } from "./src/options/sge_options.ts";
export type { SlurmOptions } from "./src/options/slurm_options.ts";
export type { TemplateOptions } from "./src/options/template_options.ts";
export type { HostOptions, TlsOptions } from "./src/options/host_options.ts";
export type { WorkerPermissions } from "./src/options/worker_permissions.ts";
export type { AnyIterable } from "./src/map/items.ts";
export type { CallOptions, CallPort } from "./src/options/call_options.ts";
export type { FailureOptions } from "./src/options/failure_options.ts";
export type { LimitOptions } from "./src/options/limit_options.ts";
export type { JournalOptions } from "./src/options/journal_options.ts";
export type { MapOptions } from "./src/options/map_options.ts";
export type { MapPhase, MapProgress } from "./src/options/map_progress.ts";
export type {
  MapBatches,
  MapResults,
  SettledOptions,
} from "./src/map/map_results.ts";
export type { SettledItem } from "./src/map/settled_item.ts";
export type {
  ListenOptions,
  NetworkOptions,
} from "./src/options/network_options.ts";
export type { HostSpec, PoolOptions } from "./src/options/pool_options.ts";
export type { RemoveHostOptions } from "./src/options/remove_host_options.ts";
export type { RetryOptions } from "./src/options/retry_options.ts";
export type { ShutdownOptions } from "./src/options/shutdown_options.ts";
export type { TransformOptions } from "./src/options/transform_options.ts";
export type { WorkerCount, WorkerRange } from "./src/options/worker_count.ts";
export type { WorkerOptions } from "./src/options/worker_options.ts";
export type { Executor } from "./src/pool/executor.ts";
export { Pool } from "./src/pool/pool.ts";
export type { TaskRunner } from "./src/pool/task_runner.ts";
export type { HostStats, PoolStats } from "./src/pool/stats.ts";
export { taskSignal } from "./src/tasks/task_signal.ts";
export {
  type TaskResources,
  taskResources,
} from "./src/tasks/task_resources.ts";
export { taskRandom } from "./src/tasks/task_random.ts";
export type { Labels, PlaceOptions, Resources } from "./src/options/place.ts";
export { bind } from "./src/tasks/bind.ts";
export { type ImportedTasks, importTasks } from "./src/tasks/import_tasks.ts";
export type {
  StreamTaskLike,
  Task,
  TaskLike,
  TaskThis,
  YieldingTaskLike,
} from "./src/tasks/task.ts";
export { type TaskPort, taskPort } from "./src/tasks/task_port.ts";
export type { Transferred } from "./src/tasks/transferred.ts";
