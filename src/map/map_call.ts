import { Call, type CallOwner, type CallTerms } from "../calls/call.ts";
import type { RegisteredTask } from "../tasks/task_registry.ts";

/** Takes the outcomes of its calls. */
export interface MapCallOwner {
  /**
   * Takes a call's outcome.
   *
   * @param rest The items that the worker has left, as the values of those
   * before them are large.
   * @param microseconds How long a worker was busy with the others, if known.
   */
  settled(
    call: MapCall,
    rest: readonly unknown[],
    microseconds?: number,
  ): void;
  /** Notes that a call takes so many bytes more than was expected. */
  grown(call: MapCall, bytes: number): void;
}

/** The outcome of a task that threw. */
export interface Thrown {
  /** What it threw. */
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
   * Constructs a call whose outcome `run` takes.
   *
   * @param expectedBytes About how much it and its results will take.
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

  /** About how much the call and its results take, in bytes. */
  get expectedBytes(): number {
    return this.#expectedBytes;
  }

  /** The call for the items that a worker has left, if it has left some. */
  get next(): MapCall | undefined {
    return this.#next;
  }

  /** Lets another call follow it, or none. */
  follow(next: MapCall | undefined): void {
    this.#next = next;
  }

  /** What the task returned for each item. */
  get values(): readonly unknown[] {
    return this.#values;
  }

  /** What the task threw after those values. */
  get thrown(): Thrown | undefined {
    return this.#thrown;
  }

  /** The size of the values on the wire. */
  get resultBytes(): number {
    return this.#resultBytes;
  }

  /** Whether the outcome has arrived. */
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

  /** A chunk runs again item by item, as one of them may be to blame. */
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

/** A call for one item of a chunk; the call for the next item follows it. */
class ItemCall extends Call {
  readonly #chunk: MapCall;
  /** The values of the items before. */
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
      // How long the items took one by one doesn't tell how long chunks take.
      chunk.succeed(this.#before, total);
    }
  }

  protected override rejected(reason: unknown): void {
    this.#chunk.fail(reason, this.#before);
  }
}

/**
 * Returns the list of arguments that an item is.
 *
 * @throws {TypeError} If the item is no array.
 */
export function argumentList(item: unknown): unknown[] {
  if (Array.isArray(item)) return item;
  throw new TypeError(
    `With 'spread', each item must be an array of arguments, but one is ${
      Deno.inspect(item)
    }`,
  );
}
