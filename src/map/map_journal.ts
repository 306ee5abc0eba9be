import { BrokenPoolError } from "../errors/broken_pool_error.ts";
import { PoolClosedError } from "../errors/pool_closed_error.ts";
import { WorkerLostError } from "../errors/worker_lost_error.ts";
import {
  type Ending,
  Journal,
  type JournalPlan,
  type Recorded,
} from "../journal/journal.ts";
import { type MapCall, NO_INDEX } from "./map_call.ts";
import type { SettledItem } from "./settled_item.ts";

/** Handles what happens to the journal of a map. */
export interface MapJournalEvents {
  /** Handles that the journal is open. */
  opened(): void;
  /** Handles that it can't be opened or written. */
  failed(reason: unknown): void;
  /** Handles that the disk has the results of a call. */
  recorded(call: MapCall): void;
}

/** Consecutive items of a chunk. */
export interface Piece {
  /** The items. */
  readonly items: unknown[];
  /** The index of the first of them. */
  readonly index: number;
  /** How they have ended in an earlier run; `undefined` if they must run. */
  readonly recorded?: readonly Recorded[];
  /** Why the item after the piece before can't be used; this one is empty. */
  readonly error?: { readonly reason: unknown };
}

/** The journal of a map: divides its chunks, and records their results. */
export class MapJournal {
  readonly #plan: JournalPlan;
  readonly #task: string;
  readonly #events: MapJournalEvents;
  #opening: Promise<void> | undefined;
  #journal: Journal | undefined;
  #recalled: MapCall | undefined;
  #isClosed = false;

  /**
   * Constructs a journal that isn't open.
   *
   * @param task The name of the map's task.
   */
  constructor(plan: JournalPlan, task: string, events: MapJournalEvents) {
    this.#plan = plan;
    this.#task = task;
    this.#events = events;
  }

  /** The call that is being settled with results of an earlier run, if any. */
  get recalled(): MapCall | undefined {
    return this.#recalled;
  }

  /** Begins to open the journal. */
  open(): void {
    this.#opening = this.#open();
  }

  /**
   * Divides items into those that have ended in an earlier run, and those that
   * must run. After an item that has failed, another piece begins, unless the
   * map goes on after such items.
   *
   * @param index The index of the first item.
   * @param settles Whether the map goes on after items that fail.
   */
  split(items: readonly unknown[], index: number, settles: boolean): Piece[] {
    const pieces: Piece[] = [];
    let start = 0;
    let recorded: Recorded[] | undefined;
    const end = (at: number) => {
      if (at > start) {
        const part = items.slice(start, at);
        const piece = { items: part, index: index + start };
        pieces.push(recorded === undefined ? piece : { ...piece, recorded });
      }
      start = at;
      recorded = undefined;
    };
    for (let at = 0; at < items.length; at++) {
      let found: Recorded | undefined;
      try {
        found = this.#journal!.find(items[at], index + at);
      } catch (reason) {
        end(at);
        pieces.push({ items: [], index: index + at, error: { reason } });
        return pieces;
      }
      if ((found === undefined) !== (recorded === undefined)) end(at);
      if (found === undefined) continue;
      (recorded ??= []).push(found);
      if (found.failed && !settles) end(at + 1);
    }
    end(items.length);
    return pieces;
  }

  /** Settles a call with the results of an earlier run. */
  recall(call: MapCall, recorded: readonly Recorded[]): void {
    this.#recalled = call;
    recallInto(call, recorded);
    this.#recalled = undefined;
  }

  /**
   * Records the results of a call; fails if its task yields values one by one.
   *
   * @param settles Whether the map goes on after items that fail.
   * @returns Whether its results must not be read until they are recorded.
   */
  record(call: MapCall, settles: boolean): boolean {
    if (call.isStreamed) {
      this.refuseValues();
      return true;
    }
    const endings = endingsOf(call, settles);
    if (this.#journal === undefined || endings.length === 0) return false;
    this.#journal.record(
      call.index,
      endings,
      () => this.#events.recorded(call),
    );
    return true;
  }

  /** Fails: the task yields values one by one. */
  refuseValues(): void {
    this.#events.failed(
      new TypeError(
        `The task '${this.#task}' yields values one by one, which a journal can't record: let it return an array`,
      ),
    );
  }

  /** Commits what was recorded, unless the journal isn't open. */
  commit(): void {
    this.#journal?.commit();
  }

  /**
   * Commits what was recorded, and closes the journal; at once, if it is open.
   *
   * @throws {JournalError} If it can't be written.
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    const journal = this.#journal;
    this.#journal = undefined;
    journal?.[Symbol.dispose]();
    await this.#opening;
  }

  async #open(): Promise<void> {
    let journal: Journal;
    try {
      journal = await Journal.open(this.#plan, (reason) => {
        this.#journal = undefined;
        this.#events.failed(reason);
      });
    } catch (reason) {
      if (!this.#isClosed) this.#events.failed(reason);
      return;
    }
    if (this.#isClosed) return journal[Symbol.dispose]();
    this.#journal = journal;
    this.#events.opened();
  }
}

/** Gives a call the results of an earlier run. */
function recallInto(call: MapCall, recorded: readonly Recorded[]): void {
  const bytes = recorded.reduce((sum, { bytes }) => sum + bytes, 0);
  const values = recorded.map(({ value }) => value);
  const last = recorded.at(-1)!;
  if (last.failed && !call.kind.settles) {
    return call.fail(values.pop(), values);
  }
  recorded.forEach(({ failed, value }, index) => {
    if (!failed) return;
    call.failItem(index, value);
    values[index] = undefined;
  });
  call.succeed(call.chunk === undefined ? values[0] : values, bytes);
}

/** Returns how the items of a call have ended, as far as it is known. */
function endingsOf(
  { values, thrown, index }: MapCall,
  settles: boolean,
): (Ending | undefined)[] {
  if (index === NO_INDEX) return [];
  if (settles) {
    return (values as readonly SettledItem<unknown>[]).map((item) =>
      item.status === "fulfilled"
        ? { failed: false, value: item.value }
        : failureOf(item.reason)
    );
  }
  const endings: (Ending | undefined)[] = values.map((value) => ({
    failed: false,
    value,
  }));
  if (thrown !== undefined) endings.push(failureOf(thrown.reason));
  return endings;
}

/** Returns an item's failure, unless the pool is the reason. */
function failureOf(reason: unknown): Ending | undefined {
  const isCancelled = reason instanceof DOMException &&
    reason.name === "AbortError";
  const isOfPool = reason instanceof WorkerLostError ||
    reason instanceof BrokenPoolError || reason instanceof PoolClosedError;
  return isCancelled || isOfPool ? undefined : { failed: true, value: reason };
}
