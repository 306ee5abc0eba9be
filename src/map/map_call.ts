import { Call, type CallOwner, type CallTerms } from "../calls/call.ts";
import type { RegisteredTask } from "../tasks/task_registry.ts";

/** Handles the outcomes of a map's calls. */
export interface MapCallOwner {
  /**
   * Handles a call's outcome.
   *
   * @param rest The unprocessed items, which a worker leaves if the results of
   * the items before are large.
   * @param microseconds How long a worker was busy with the other items, if
   * known.
   */
  settled(
    call: MapCall,
    rest: readonly unknown[],
    microseconds?: number,
  ): void;
  /** Handles a call that takes this many bytes more than expected. */
  grown(call: MapCall, bytes: number): void;
}

/** Wraps a thrown value, because the value itself may be `undefined`. */
export interface Thrown {
  /** The value that was thrown. */
  readonly reason: unknown;
}

/** A call for one item or a chunk of items. */
export class MapCall extends Call {
  readonly #run: MapCallOwner;
  #values: readonly unknown[] = [];
  #thrown: Thrown | undefined;
  #resultBytes = 0;
  #hasArrived = false;
  #next: MapCall | undefined;
  #expectedBytes: number;

  /**
   * Constructs a call.
   *
   * @param run The map that handles the call's outcome.
   * @param expectedBytes The approximate bytes of the call and its results.
   */
  constructor(
    run: MapCallOwner,
    task: RegisteredTask,
    payload: readonly unknown[],
    chunk: "single" | "spread" | undefined,
    terms?: CallTerms,
    expectedBytes = 0,
  ) {
    super(task, payload, chunk, terms);
    this.#run = run;
    this.#expectedBytes = expectedBytes;
  }

  /** The approximate bytes of the call and its results. */
  get expectedBytes(): number {
    return this.#expectedBytes;
  }

  /** The call for unprocessed items of this call, if a worker left any. */
  get next(): MapCall | undefined {
    return this.#next;
  }

  /** Sets the call that follows this one. */
  follow(next: MapCall | undefined): void {
    this.#next = next;
  }

  /** The task's results for the items. */
  get values(): readonly unknown[] {
    return this.#values;
  }

  /** The error of the item after those values, if any. */
  get thrown(): Thrown | undefined {
    return this.#thrown;
  }

  /** The size of the values on the wire. */
  get resultBytes(): number {
    return this.#resultBytes;
  }

  /** Whether the call's outcome has arrived. */
  get hasArrived(): boolean {
    return this.#hasArrived;
  }

  override send(
    worker: CallOwner,
    id: number,
    message: number,
    bytes: number,
  ): void {
    super.send(worker, id, message, bytes);
    const growth = bytes - this.#expectedBytes;
    if (growth <= 0) return;
    this.#expectedBytes = bytes;
    this.#run.grown(this, growth);
  }

  /** Runs a chunk again item by item, because one item may kill its worker. */
  override rerun(submit: (call: Call) => void): void {
    if (this.chunk === undefined) return submit(this);
    submit(new ItemCall(this, [], 0, submit));
  }

  protected override resolved(
    value: unknown,
    bytes: number,
    microseconds: number | undefined,
  ): void {
    this.#values = this.chunk === undefined ? [value] : value as unknown[];
    this.#resultBytes = bytes;
    this.#hasArrived = true;
    const { length } = this.#values;
    const rest = length < this.items ? this.payload.slice(length) : [];
    this.#run.settled(this, rest, microseconds);
  }

  protected override rejected(reason: unknown, before: unknown[] = []): void {
    this.#values = before;
    this.#thrown = { reason };
    this.#hasArrived = true;
    this.#run.settled(this, []);
  }
}

/** A call for one item of a chunk. Its success submits the next item's call. */
class ItemCall extends Call {
  readonly #chunk: MapCall;
  /** The results of the items before. */
  readonly #before: unknown[];
  readonly #bytesBefore: number;
  readonly #submit: (call: Call) => void;

  constructor(
    chunk: MapCall,
    before: unknown[],
    bytes: number,
    submit: (call: Call) => void,
  ) {
    const item = chunk.payload[before.length];
    const args = chunk.chunk === "spread" ? item as unknown[] : [item];
    super(chunk.task, args, undefined, chunk.terms);
    this.#chunk = chunk;
    this.#before = before;
    this.#bytesBefore = bytes;
    this.#submit = submit;
  }

  protected override resolved(value: unknown, bytes: number): void {
    const chunk = this.#chunk;
    const total = this.#bytesBefore + bytes;
    this.#before.push(value);
    if (this.#before.length < chunk.items) {
      this.#submit(new ItemCall(chunk, this.#before, total, this.#submit));
    } else {
      // No duration: single items don't predict how long a chunk takes.
      chunk.succeed(this.#before, total);
    }
  }

  protected override rejected(reason: unknown): void {
    this.#chunk.fail(reason, this.#before);
  }
}

/**
 * Returns an item as an array of arguments.
 *
 * @throws {TypeError} If the item isn't an array.
 */
export function argumentList(item: unknown): unknown[] {
  if (Array.isArray(item)) return item;
  throw new TypeError(
    `With 'spread', each item must be an array of arguments, but one is ${
      Deno.inspect(item)
    }`,
  );
}
