import type { Call } from "../calls/call.ts";
import type { CallOwner, CallRunner } from "../calls/call_owner.ts";
import { CallKind } from "../calls/call_kind.ts";
import type { ResultMode } from "../protocol/worker_messages.ts";
import { Queue } from "../util/queue.ts";
import type { FailureLimit } from "./failure_limit.ts";
import { type Batch, ItemCall, modeOf } from "./item_call.ts";
import { type ItemPiece, itemPieces } from "./item_pieces.ts";
import { ItemsCall } from "./items_call.ts";
import type { SettledItem } from "./settled_item.ts";
import type { Thrown } from "./thrown.ts";

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
  /** Handles that the task of a call for one item threw, and will run again. */
  delayed(call: MapCall): void;
  /** Handles that such a call is queued again. */
  resumed(call: MapCall): void;
  /** Whether the map goes on after items that fail. */
  readonly isSettled: boolean;
  /** Returns the error of a settled item as its reader gets it. */
  readonly explain: (reason: unknown) => unknown;
  /** Whether somebody waits for the next result. */
  readonly isAwaited: boolean;
}

/** The values of a call that yields them one by one. */
interface Batches {
  /** The batch that is being read. */
  current: Batch | undefined;
  /** The batches after it. */
  readonly waiting: Queue<Batch>;
}

/** The index of a call without items. */
export const NO_INDEX = -1;

const NO_VALUES: readonly unknown[] = [];

const NO_PIECES: readonly ItemPiece[] = [];

/** A call for one item or a chunk of items. */
export class MapCall extends ItemsCall {
  readonly #run: MapCallOwner;
  #values: readonly unknown[] = NO_VALUES;
  /** Set if the call yields values one by one. */
  #batches: Batches | undefined;
  #thrown: Thrown | undefined;
  #resultBytes = 0;
  #hasArrived = false;
  #next: MapCall | undefined;
  #expectedBytes: number;
  #wasSent = false;
  #isUnsendable = false;
  #pieces = NO_PIECES;

  /**
   * Constructs a call.
   *
   * @param run The map that handles the call's outcome.
   * @param expectedBytes The approximate bytes of the call and its results.
   * @param part The part of the map's items that it belongs to.
   * @param index The index of its first item in the map.
   */
  constructor(
    run: MapCallOwner,
    kind: CallKind,
    payload: unknown,
    expectedBytes = 0,
    readonly part = 0,
    readonly index = 0,
  ) {
    super(kind, payload);
    this.#run = run;
    this.#expectedBytes = expectedBytes;
  }

  override get number(): number {
    return this.index;
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
    return modeOf(this.kind);
  }

  /** Whether it couldn't be sent because of one of its items. */
  get isUnsendable(): boolean {
    return this.#isUnsendable;
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

  /**
   * The outcome of a call of which items run again, divided before each of them;
   * otherwise empty.
   */
  get pieces(): readonly ItemPiece[] {
    return this.#pieces;
  }

  /** Whether an item of the call has failed for good, which ends the map. */
  get endsMap(): boolean {
    const last = this.#pieces.at(-1);
    return this.#thrown !== undefined || last?.thrown !== undefined;
  }

  /** Whether its values are {@linkcode SettledItem}s. */
  get isSettled(): boolean {
    return this.#run.isSettled;
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
    this.#wasSent = true;
    super.send(worker, id, message, bytes);
    const growth = bytes - this.#expectedBytes;
    if (growth <= 0) return;
    this.#expectedBytes = bytes;
    this.#run.grown(this, growth);
  }

  override delay(owner: CallOwner<Call>): void {
    super.delay(owner);
    this.#run.delayed(this);
  }

  override requeue(): void {
    const wasDelayed = this.state === "delayed";
    super.requeue();
    if (wasDelayed) this.#run.resumed(this);
  }

  /** Makes this call one that has arrived, without having been submitted. */
  arrive({ values, thrown }: ItemPiece): void {
    this.#values = values;
    this.#thrown = thrown;
    this.#hasArrived = true;
  }

  /** Runs a chunk again item by item, because one item may kill its worker. */
  override rerun(submit: (call: Call) => void): void {
    if (this.chunk === undefined) return submit(this);
    this.failures = undefined;
    const isUnary = this.chunk === "single";
    const kind = new CallKind(
      this.task,
      this.terms,
      undefined,
      isUnary,
      this.kind.settles,
    );
    submit(new ItemCall(kind, this, 0, [], 0, submit));
  }

  /**
   * Adds the items that have failed, while the others went on, to a limit.
   *
   * @returns How many these are.
   */
  addFailures(limit: FailureLimit): number {
    let count = 0;
    for (const item of this.#values as readonly SettledItem<unknown>[]) {
      if (item.status !== "rejected") continue;
      limit.add(item.index, item.reason);
      count++;
    }
    return count;
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
    const values = this.chunk === undefined ? [value] : value as unknown[];
    if (this.kind.settles) this.#divide(values);
    else this.#values = values;
    this.#resultBytes = bytes;
    this.#hasArrived = true;
    const { length } = values;
    const rest = length < this.items ? this.payload.slice(length) : [];
    this.#run.settled(this, rest, microseconds);
  }

  /** Takes note of an item that has failed for good, while others go on. */
  failItem(index: number, reason: unknown): void {
    this.setFailure(index, { reason });
  }

  protected override rejected(
    reason: unknown,
    before: unknown[] = [],
    attempts?: number,
  ): void {
    this.#hasArrived = true;
    if (this.kind.settles) return this.#rejectItems(reason, before, attempts);
    if (!this.isStreamed) this.#values = before;
    const isKnown = this.index !== NO_INDEX &&
      (!this.isStreamed || this.chunk === undefined);
    this.#thrown = isKnown
      ? { reason, index: this.index + before.length }
      : { reason };
    this.#run.settled(this, []);
  }

  /** Rejects the items after the first ones that haven't failed before. */
  #rejectItems(
    reason: unknown,
    before: readonly unknown[],
    attempts: number | undefined,
  ): void {
    this.#isUnsendable = !this.#wasSent && this.items > 1 &&
      reason instanceof DOMException && reason.name === "DataCloneError";
    // Only one of its items may be at fault.
    if (this.#isUnsendable) return this.#run.settled(this, this.payload);
    const { length } = before;
    for (let index = length; index < this.items; index++) {
      if (this.failures?.has(index)) continue;
      this.setFailure(
        index,
        this.terms.retry === undefined || attempts === undefined
          ? { reason }
          : { reason, attempts },
      );
    }
    const rest = new Array<undefined>(this.items - length);
    this.#divide([...before, ...rest]);
    this.#run.settled(this, []);
  }

  /** Takes the outcomes of items, of which some may run again. */
  #divide(values: readonly unknown[]): void {
    const { failures, index } = this;
    const { isSettled, explain } = this.#run;
    if (failures === undefined && !isSettled) {
      this.#values = values;
      return;
    }
    const outcomes = { index, values, failures };
    const pieces = itemPieces(outcomes, isSettled ? explain : undefined);
    const [first] = pieces as [ItemPiece, ...ItemPiece[]];
    this.#values = first.values;
    this.#thrown = first.thrown;
    if (first.failed !== undefined) this.#pieces = pieces;
  }

  #stream(): Batches {
    return this.#batches ??= { current: undefined, waiting: new Queue() };
  }
}
