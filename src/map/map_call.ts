import { Call, type CallTerms } from "../calls/call.ts";
import type { RegisteredTask } from "../tasks/task_registry.ts";

/** Takes the outcomes of its calls. */
export interface MapCallOwner {
  /**
   * Takes a call's outcome.
   *
   * @param microseconds How long a worker was busy with all of it, if that is
   * known.
   */
  settled(call: MapCall, microseconds?: number): void;
}

/** A call for one item or a chunk of them. */
export class MapCall extends Call {
  /** What the task returned, for each item. */
  values: readonly unknown[] = [];
  /** What it threw, after those values. */
  thrown: { readonly reason: unknown } | undefined;
  /** How many bytes it and its values were thought to take, to begin with. */
  expectedBytes = 0;
  /** The size of its values on the wire. */
  resultBytes = 0;
  /** Whether its outcome has come. */
  arrived = false;
  readonly #run: MapCallOwner;

  constructor(
    run: MapCallOwner,
    task: RegisteredTask,
    payload: readonly unknown[],
    chunk: "single" | "spread" | undefined,
    terms?: CallTerms,
  ) {
    super(task, payload, chunk, terms);
    this.#run = run;
  }

  /** How many items it is for. */
  get items(): number {
    return this.chunk === undefined ? 1 : this.payload.length;
  }

  override succeed(value: unknown, bytes: number, microseconds?: number): void {
    this.values = this.chunk === undefined ? [value] : value as unknown[];
    this.resultBytes = bytes;
    this.arrived = true;
    this.#run.settled(this, microseconds);
  }

  override fail(reason: unknown, before: unknown[] = []): void {
    this.values = before;
    this.thrown = { reason };
    this.arrived = true;
    this.#run.settled(this);
  }

  /** A chunk is run again item by item, as one of them may be the culprit. */
  override rerun(submit: (call: Call) => void): void {
    if (this.chunk === undefined) return submit(this);
    submit(new ItemCall(this, [], 0, submit));
  }
}

/** A call for one item of a chunk, which is followed by that for the next. */
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
    this.losses = chunk.losses;
    this.#chunk = chunk;
    this.#before = before;
    this.#bytesBefore = bytes;
    this.#submit = submit;
  }

  override succeed(value: unknown, bytes: number): void {
    const chunk = this.#chunk;
    const total = this.#bytesBefore + bytes;
    this.#before.push(value);
    if (chunk.state === "abandoned") chunk.state = "settled";
    else if (this.#before.length < chunk.payload.length) {
      const next = new ItemCall(chunk, this.#before, total, this.#submit);
      this.#submit(next);
    } else {
      chunk.state = "settled";
      // How long its items took one by one says nothing of chunks.
      chunk.succeed(this.#before, total);
    }
  }

  override fail(reason: unknown): void {
    const chunk = this.#chunk;
    const abandoned = chunk.state === "abandoned";
    chunk.state = "settled";
    if (!abandoned) chunk.fail(reason, this.#before);
  }
}

/** The list of arguments that an item stands for. */
export function argumentList(item: unknown): unknown[] {
  if (Array.isArray(item)) return item;
  throw new TypeError(
    `With 'spread', each item must be an array of arguments, and this is ${
      Deno.inspect(item)
    }`,
  );
}
