import { Call } from "../calls/call.ts";
import type { CallRunner } from "../calls/call_owner.ts";
import { CallKind } from "../calls/call_kind.ts";
import { ResultMode } from "../protocol/worker_messages.ts";
import { Queue } from "../util/queue.ts";

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
  /**
   * Handles a chunk that is cut, because its worker has given back items.
   *
   * @param rest The items.
   * @param parts Into how many calls they should be divided.
   * @param microseconds How long the worker has been busy with the chunk.
   * @returns The calls for the items, to be submitted at once.
   */
  cut(
    call: MapCall,
    rest: readonly unknown[],
    parts: number,
    microseconds: number,
  ): MapCall[];
  /** Handles a call that takes this many bytes more than expected. */
  grown(call: MapCall, bytes: number): void;
  /** Handles values of a call that has no outcome yet, with their size. */
  yielded(call: MapCall, bytes: number): void;
  /** Handles that such values were read. */
  consumed(bytes: number): void;
  /** Whether somebody waits for the next result. */
  readonly isAwaited: boolean;
}

/** Wraps a thrown value, because the value itself may be `undefined`. */
export interface Thrown {
  /** The value that was thrown. */
  readonly reason: unknown;
}

/** Values of a call that have arrived before its outcome. */
interface Batch {
  readonly values: readonly unknown[];
  /** Their size on the wire. */
  readonly bytes: number;
  /** The call that gets credit when they are read. */
  readonly source: Call | undefined;
}

/** The values of a call that yields them one by one. */
interface Batches {
  /** The batch that is being read. */
  current: Batch | undefined;
  /** The batches after it. */
  readonly waiting: Queue<Batch>;
}

const NO_VALUES: readonly unknown[] = [];

/** A call for one item or a chunk of items. */
export class MapCall extends Call {
  readonly #run: MapCallOwner;
  #values: readonly unknown[] = NO_VALUES;
  /** Set if the call yields values one by one. */
  #batches: Batches | undefined;
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
   * @param part The part of the map's items that it belongs to.
   */
  constructor(
    run: MapCallOwner,
    kind: CallKind,
    payload: unknown,
    expectedBytes = 0,
    readonly part = 0,
  ) {
    super(kind, payload);
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

  override get mode(): ResultMode {
    return ResultMode.FLATTEN;
  }

  /** Whether somebody waits for the call, or for values that it yields. */
  override get isAwaited(): boolean {
    return !this.hasYielded || this.#run.isAwaited;
  }

  /** The results to read next. */
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

  /** Whether there are values to read, or all of them were read. */
  get isReadable(): boolean {
    return this.#hasArrived || (this.#batches?.waiting.length ?? 0) > 0;
  }

  /** Whether the call was abandoned before its outcome arrived. */
  get isDropped(): boolean {
    return !this.#hasArrived &&
      (this.state === "abandoned" || this.state === "settled");
  }

  /** Whether the call's values arrive one by one. */
  get isStreamed(): boolean {
    return this.#batches !== undefined;
  }

  /** Moves on to values that have arrived; returns whether there are any. */
  nextBatch(): boolean {
    const batches = this.#batches;
    if (batches === undefined) return false;
    const read = batches.current;
    batches.current = batches.waiting.shift();
    this.#values = batches.current?.values ?? NO_VALUES;
    if (read !== undefined) {
      this.#run.consumed(read.bytes);
      read.source?.read(read.values.length, read.bytes);
    }
    return batches.current !== undefined;
  }

  /** Appends values to read. */
  append(batch: Batch): void {
    this.#stream().waiting.push(batch);
    this.#run.yielded(this, batch.bytes);
  }

  override send(
    worker: CallRunner<Call>,
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
    const isUnary = this.chunk === "single";
    const kind = new CallKind(this.task, this.terms, undefined, isUnary);
    submit(new ItemCall(kind, this, 0, [], 0, submit));
  }

  protected override givenBack(
    rest: readonly unknown[],
    parts: number,
    microseconds: number,
  ): MapCall[] {
    return this.#run.cut(this, rest, parts, microseconds);
  }

  protected override received(
    values: readonly unknown[],
    bytes: number,
    source: Call,
  ): void {
    this.append({ values, bytes, source });
  }

  protected override finished(microseconds: number | undefined): void {
    // The task may have yielded nothing.
    this.#stream();
    this.#hasArrived = true;
    this.#run.settled(this, [], microseconds);
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
    if (!this.isStreamed) this.#values = before;
    this.#thrown = { reason };
    this.#hasArrived = true;
    this.#run.settled(this, []);
  }

  #stream(): Batches {
    return this.#batches ??= { current: undefined, waiting: new Queue() };
  }
}

/** A call for one item of a chunk. Its success submits the next item's call. */
class ItemCall extends Call {
  readonly #kind: CallKind;
  readonly #chunk: MapCall;
  readonly #index: number;
  /** The results of the items before that the chunk doesn't have yet. */
  readonly #before: unknown[];
  readonly #bytesBefore: number;
  readonly #submit: (call: Call) => void;

  constructor(
    kind: CallKind,
    chunk: MapCall,
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

  override get mode(): ResultMode {
    return ResultMode.FLATTEN;
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

  protected override rejected(reason: unknown): void {
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
