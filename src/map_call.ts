import { Call } from "./call.ts";
import type { RegisteredTask } from "./task_registry.ts";

/** Takes the outcomes of its calls. */
export interface MapCallOwner {
  settled(call: MapCall, microseconds: number): void;
}

/** A call for one item or a chunk of them. */
export class MapCall extends Call {
  /** What the task returned, for each item. */
  values: readonly unknown[] = [];
  /** What it threw, after those values. */
  thrown: { readonly reason: unknown } | undefined;
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
    host?: string,
  ) {
    super(task, payload, chunk, host);
    this.#run = run;
  }

  override succeed(value: unknown, bytes: number, microseconds: number): void {
    this.values = this.chunk === undefined ? [value] : value as unknown[];
    this.resultBytes = bytes;
    this.arrived = true;
    this.#run.settled(this, microseconds);
  }

  override fail(reason: unknown, before: unknown[] = []): void {
    this.values = before;
    this.thrown = { reason };
    this.arrived = true;
    this.#run.settled(this, 0);
  }
}

/** The list of arguments that an item stands for. */
export function argumentList(item: unknown): unknown[] {
  if (Array.isArray(item)) return item;
  throw new TypeError(
    `With 'star', each item must be an array of arguments, and this is ${
      Deno.inspect(item)
    }`,
  );
}

/** The bytes of what is obviously large in a value; a lower bound. */
export function roughSize(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null) return 0;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    return value.byteLength;
  }
  if (!Array.isArray(value) || value.length > 16) return 0;
  let size = 0;
  for (const element of value) size += roughSize(element);
  return size;
}
