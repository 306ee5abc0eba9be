import { Call } from "../calls/call.ts";
import type { CallKind } from "../calls/call_kind.ts";
import { ResultMode } from "../protocol/worker_messages.ts";

/** Values of a call that have arrived before its outcome. */
export interface Batch {
  /** The values. */
  readonly values: readonly unknown[];
  /** Their size on the wire. */
  readonly bytes: number;
  /** The call that gets credit when they are read. */
  readonly source: Call | undefined;
}

/** A chunk that runs again item by item. */
export interface Rerun {
  /** The index of its first item in the map. */
  readonly index: number;
  /** How many items it has. */
  readonly items: number;
  /** Its items. */
  readonly payload: readonly unknown[];
  /** Whether its values arrive one by one. */
  readonly isStreamed: boolean;
  /** Appends values to read. */
  append(batch: Batch): void;
  /** Delivers what the task of an item threw, while its chunk goes on. */
  itemFailed(index: number, thrown: unknown): void;
  /** Delivers why an item has failed for good, while its chunk goes on. */
  failItem(index: number, reason: unknown): void;
  /** Delivers the values of all items. */
  succeed(values: unknown, bytes: number): void;
  /** Delivers the end of values that were appended. */
  finish(): void;
  /** Delivers the error of an item, and the values before it. */
  fail(reason: unknown, before: unknown[]): void;
}

/** A call for one item of a chunk. Its success submits the next item's call. */
export class ItemCall extends Call {
  readonly #kind: CallKind;
  readonly #chunk: Rerun;
  readonly #index: number;
  /** The results of the items before that the chunk doesn't have yet. */
  readonly #before: unknown[];
  readonly #bytesBefore: number;
  readonly #submit: (call: Call) => void;

  /**
   * Constructs the call of the item with an index.
   *
   * @param before The results of the items before.
   * @param bytes The size of these results.
   * @param submit Submits the calls of the items after it.
   */
  constructor(
    kind: CallKind,
    chunk: Rerun,
    index: number,
    before: unknown[],
    bytes: number,
    submit: (call: Call) => void,
  ) {
    super(kind, chunk.payload[index]);
    this.#kind = kind;
    this.#chunk = chunk;
    this.#index = index;
    this.#before = before;
    this.#bytesBefore = bytes;
    this.#submit = submit;
  }

  override get number(): number {
    return this.#chunk.index + this.#index;
  }

  override get mode(): ResultMode {
    return modeOf(this.kind);
  }

  /** The item runs again after its chunk. */
  override get retry(): undefined {
    return undefined;
  }

  protected override received(
    values: readonly unknown[],
    bytes: number,
  ): void {
    this.#passOn();
    this.#chunk.append({ values, bytes, source: this });
  }

  protected override resolved(value: unknown, bytes: number): void {
    this.#before.push(value);
    this.#continue(this.#bytesBefore + bytes);
  }

  protected override finished(): void {
    this.#continue(0);
  }

  protected override rejected(
    reason: unknown,
    _before?: unknown[],
    attempts?: number,
  ): void {
    if (this.kind.settles) {
      // Only what a task threw has attempts.
      if (attempts === undefined) this.#chunk.failItem(this.#index, reason);
      else this.#chunk.itemFailed(this.#index, reason);
      this.#before.push(undefined);
      return this.#continue(this.#bytesBefore);
    }
    if (this.#chunk.isStreamed) this.#passOn();
    this.#chunk.fail(reason, this.#before);
  }

  /** Runs the next item, or settles the chunk after the last one. */
  #continue(bytes: number): void {
    const chunk = this.#chunk;
    const next = this.#index + 1;
    if (next < chunk.items) {
      const call = new ItemCall(
        this.#kind,
        chunk,
        next,
        this.#before,
        bytes,
        this.#submit,
      );
      return this.#submit(call);
    }
    // No duration: single items don't predict how long a chunk takes.
    if (!chunk.isStreamed && !this.hasYielded && this.#before.length > 0) {
      return chunk.succeed(this.#before, bytes);
    }
    this.#passOn();
    chunk.finish();
  }

  /** Passes the results of the items before to the chunk. */
  #passOn(): void {
    if (this.#before.length === 0) return;
    const values = this.#before.splice(0);
    this.#chunk.append({ values, bytes: 0, source: undefined });
  }
}

/**
 * Returns what a worker does with what a task returns. What settled items yield
 * one by one couldn't be told apart.
 */
export function modeOf({ settles }: CallKind): ResultMode {
  return settles ? ResultMode.VALUE : ResultMode.FLATTEN;
}
