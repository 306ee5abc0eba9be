import type { RetrySettings } from "../options/retry_options.ts";
import { ResultMode } from "../protocol/worker_messages.ts";
import type { RegisteredTask } from "../tasks/task_registry.ts";
import type { CallKind, CallTerms } from "./call_kind.ts";

/** The payload of a settled call. */
const NOTHING: readonly unknown[] = [];

/**
 * What a worker does for a call: a task with its arguments, or with a chunk of a
 * map's items.
 */
export abstract class CallContent {
  readonly #kind: CallKind;
  /** A list, or the only argument, depending on the kind. */
  #payload: unknown;

  /** Constructs the content of a call: see {@linkcode Call}. */
  constructor(kind: CallKind, payload: unknown) {
    this.#kind = kind;
    this.#payload = payload;
  }

  /** What it has in common with others. */
  get kind(): CallKind {
    return this.#kind;
  }

  /** The task to call. */
  get task(): RegisteredTask {
    return this.#kind.task;
  }

  /** How and where the call may run. */
  get terms(): CallTerms {
    return this.#kind.terms;
  }

  /** What the worker does with the value that the task returns. */
  get mode(): ResultMode {
    return ResultMode.VALUE;
  }

  /**
   * The number of the call, or of the first item of its chunk, if it has one:
   * see {@linkcode CallPreface}.
   */
  get number(): number {
    return this.terms.number ?? 0;
  }

  /** How it runs again if its task throws; `undefined`: it doesn't. */
  get retry(): RetrySettings | undefined {
    return this.terms.retry;
  }

  /** Its form, if the call is a chunk: see {@linkcode CallKind}. */
  get chunk(): "single" | "spread" | undefined {
    return this.#kind.chunk;
  }

  /** The number of items in a chunk; 1 if the call isn't a chunk. */
  get items(): number {
    return this.#kind.chunk === undefined ? 1 : this.payload.length;
  }

  /** The arguments, or a chunk's items; empty once the call is settled. */
  get payload(): readonly unknown[] {
    if (!this.#kind.isUnary) return this.#payload as readonly unknown[];
    return this.#payload === NOTHING ? NOTHING : [this.#payload];
  }

  /** Whether the call has one argument, {@linkcode CallContent.argument}. */
  get isUnary(): boolean {
    return this.#kind.isUnary;
  }

  /** The argument of a unary call: reading it makes no list. */
  get argument(): unknown {
    return this.#payload;
  }

  /** Drops the arguments or items. */
  protected drop(): void {
    this.#payload = NOTHING;
  }

  /** Removes and returns a chunk's items after the first ones. */
  protected takeItems(kept: number): readonly unknown[] {
    const { payload } = this;
    this.#payload = payload.slice(0, kept);
    return payload.slice(kept);
  }
}
