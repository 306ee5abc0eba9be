import { type WorkerLoss, WorkerLostError } from "./worker_lost_error.ts";

/** How much memory a worker had when it ran out of it. */
export interface MemoryUse {
  /**
   * What it exceeded: the pool's `maxMemory`, or the limit of V8's heap, where
   * JavaScript objects are.
   */
  readonly kind: "limit" | "heap";
  /** How much it used, in bytes; 0 if that is unknown. */
  readonly bytes: number;
  /** The pool's `maxMemory`, in bytes, if there is one. */
  readonly limit?: number;
}

/**
 * Thrown by a call whose worker ran out of memory before the task returned, if
 * no `retries` are left: it exceeded the pool's `maxMemory`, or V8's heap was
 * full.
 *
 * @example Usage
 * ```ts
 * import { OutOfMemoryError, Pool } from "@distex/pool";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * await using pool = new Pool({ workers: 1, maxMemory: "256M" });
 * const fill = () => {
 *   const arrays = [];
 *   for (;;) arrays.push(new Uint8Array(1e7).fill(1));
 * };
 * const error = await assertRejects(() => pool.run(fill), OutOfMemoryError);
 * assertEquals([error.task, error.maxMemory], ["fill", 256_000_000]);
 * ```
 */
export class OutOfMemoryError extends WorkerLostError {
  /** How much memory its worker used in the end, in bytes, if known. */
  readonly memory: number | undefined;
  /** The pool's `maxMemory`, in bytes, if there is one. */
  readonly maxMemory: number | undefined;

  /**
   * Constructs the error.
   *
   * @param task The name of the task.
   * @param tries How many times the task may have begun.
   * @param use How much memory its worker used.
   */
  constructor(
    task: string,
    tries: number,
    loss: WorkerLoss,
    use: MemoryUse,
    options?: ErrorOptions,
  ) {
    const attempts = tries === 1 ? "" : ` in the last of ${tries} tries`;
    const wayOut = use.kind === "heap" && use.limit === undefined
      ? `let it use more with 'denoArgs: ["--v8-flags=--max-old-space-size=8192"]' (in MiB)`
      : "raise 'maxMemory'";
    super(task, tries, loss, {
      ...options,
      message:
        `The ${loss.worker} was out of memory${attempts} before the task '${task}' returned: ${
          describeMemoryUse(use)
        }. Give each call less to do, or ${wayOut}`,
    });
    this.name = "OutOfMemoryError";
    this.memory = use.bytes === 0 ? undefined : use.bytes;
    this.maxMemory = use.limit;
  }
}

/** Describes how much memory a worker used that ran out of it. */
export function describeMemoryUse({ kind, bytes, limit }: MemoryUse): string {
  const most = limit === undefined
    ? ""
    : `the 'maxMemory' of ${formatMegabytes(limit)}`;
  if (kind === "limit") {
    return `it used ${formatMegabytes(bytes)}, more than ${most}`;
  }
  const full = bytes === 0 ? "" : ` with ${formatMegabytes(bytes)}`;
  return `V8's heap was full${full}${
    limit === undefined ? "" : `; ${most} limits it`
  }`;
}

/** Returns a number of bytes as a short text, such as `"512 MB"`. */
export function formatMegabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6)} MB`;
}
