import type { Grant } from "../protocol/worker_messages.ts";
import { isGranted } from "../util/is_granted.ts";

/** The variable by which CUDA and the libraries on it find their GPUs. */
const VISIBLE = "CUDA_VISIBLE_DEVICES";

// Tasks may replace it.
const { env } = Deno;

const NOTHING: Grant = {};

/** What the calls of a worker may use of its machine. */
export class AssignedResources {
  readonly #grants = new Map<number, Grant>();
  /** Names of GPUs by their number; `undefined` if the variable can't be set. */
  #gpuNames: readonly string[] | undefined;

  /** Takes note of what a call may use, before the call arrives. */
  assign(id: number, grant: Grant): void {
    for (const _ in grant) {
      this.#grants.set(id, grant);
      return;
    }
    this.#grants.delete(id);
  }

  /** Returns what a call may use. */
  get(id: number): Grant {
    return this.#grants.get(id) ?? NOTHING;
  }

  /** Forgets a call that has ended. */
  delete(id: number): void {
    if (this.#grants.size > 0) this.#grants.delete(id);
  }

  /**
   * Sets `CUDA_VISIBLE_DEVICES` to the GPUs of a call that is about to begin, if
   * it has any and the worker may set the variable.
   */
  expose(id: number): void {
    if (this.#grants.size === 0) return;
    const gpus = this.get(id).gpu;
    if (typeof gpus !== "object") return;
    this.#gpuNames ??= readNames();
    const names = this.#gpuNames;
    if (names === undefined) return;
    env.set(VISIBLE, gpus.map((gpu) => names[gpu] ?? `${gpu}`).join(","));
  }
}

/** A batch system may have given this machine's workers certain GPUs only. */
function readNames(): readonly string[] | undefined {
  if (!isGranted({ name: "env", variable: VISIBLE })) return undefined;
  return env.get(VISIBLE)?.split(",") ?? [];
}
