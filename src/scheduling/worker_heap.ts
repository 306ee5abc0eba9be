import type { WorkerHandle } from "./worker_handle.ts";

/** A worker's load, as known to a {@linkcode WorkerSet}. */
export interface WorkerLoad {
  readonly worker: WorkerHandle;
  /** How many workers were added before. */
  readonly order: number;
  /** Whether it accepts calls. */
  isOpen: boolean;
  /** How many calls it has. */
  calls: number;
  /** How busy these keep it: see {@linkcode busyness}. */
  busyness: number;
  /** The number of its last answer, among those of all workers; 0 if none. */
  answer: number;
  /** How many more calls it can take; 0 if it accepts none. */
  room: number;
  /** How many calls it may have. */
  limit: number;
  /** Whether calls take long to it and back. */
  isDistant: boolean;
  /** Its positions in the heaps of the groups, by their slot, or -1. */
  readonly positions: number[];
}

/**
 * How much work a worker gets before another one gets any, in microseconds: what
 * a message to another worker costs.
 */
const MIN_WORK = 20;

/**
 * Returns how busy calls keep a worker. Workers with a few tiny calls count as
 * idle, so that they get more of them in the same message.
 *
 * @param microseconds How long a call takes; 0 if that is unknown.
 */
export function busyness(calls: number, microseconds: number): number {
  if (microseconds === 0 || microseconds >= MIN_WORK) return calls;
  return Math.floor(calls * microseconds / MIN_WORK);
}

/**
 * A binary heap of workers. Those with room come first, and among them those
 * that are less busy. If they are as busy, those that answered later come first:
 * the others may have got no processor since. Then come those that were added
 * earlier.
 */
export class WorkerHeap {
  readonly #slot: number;
  readonly #loads: WorkerLoad[] = [];

  /** Constructs an empty heap that keeps positions in a slot. */
  constructor(slot: number) {
    this.#slot = slot;
  }

  /** The least busy worker, if there is any. */
  get first(): WorkerLoad | undefined {
    return this.#loads[0];
  }

  /** Adds a worker, or moves it after a change of its load. */
  update(load: WorkerLoad): void {
    let position = load.positions[this.#slot]!;
    if (position < 0) position = this.#loads.push(load) - 1;
    if (this.#rise(load, position) === position) this.#sink(load, position);
  }

  /** Removes a worker, if the heap has it. */
  remove(load: WorkerLoad): void {
    const position = load.positions[this.#slot]!;
    if (position < 0) return;
    load.positions[this.#slot] = -1;
    const last = this.#loads.pop()!;
    if (last === load) return;
    if (this.#rise(last, position) === position) this.#sink(last, position);
  }

  #place(load: WorkerLoad, position: number): void {
    this.#loads[position] = load;
    load.positions[this.#slot] = position;
  }

  #rise(load: WorkerLoad, from: number): number {
    let position = from;
    while (position > 0) {
      const above = (position - 1) >> 1;
      const parent = this.#loads[above]!;
      if (!isBefore(load, parent)) break;
      this.#place(parent, position);
      position = above;
    }
    this.#place(load, position);
    return position;
  }

  #sink(load: WorkerLoad, from: number): void {
    const loads = this.#loads;
    let position = from;
    for (;;) {
      let below = position * 2 + 1;
      if (below >= loads.length) break;
      const right = below + 1;
      if (right < loads.length && isBefore(loads[right]!, loads[below]!)) {
        below = right;
      }
      const child = loads[below]!;
      if (!isBefore(child, load)) break;
      this.#place(child, position);
      position = below;
    }
    this.#place(load, position);
  }
}

function isBefore(one: WorkerLoad, other: WorkerLoad): boolean {
  const hasRoom = one.room > 0;
  if (hasRoom !== other.room > 0) return hasRoom;
  if (one.busyness !== other.busyness) return one.busyness < other.busyness;
  // A message to the first worker costs less than one to each of several.
  if (one.busyness > 0 && one.answer !== other.answer) {
    return one.answer > other.answer;
  }
  return one.order < other.order;
}
