import { assertEquals, assertInstanceOf } from "@std/assert";
import { CallerTrace } from "../../src/calls/caller_trace.ts";
import { WorkerLostError } from "../../src/errors/worker_lost_error.ts";
import { ChunkSize } from "../../src/map/chunk_size.ts";
import { Items } from "../../src/map/items.ts";
import type { MapIterator } from "../../src/map/map_iterator.ts";
import { prepareMap } from "../../src/map/map_run.ts";
import type { SettledItem } from "../../src/map/settled_item.ts";
import type { Scheduler } from "../../src/scheduling/scheduler.ts";
import { TASK } from "../helpers/fake_worker.ts";
import type { Random } from "../helpers/random.ts";
import type { Ledger } from "./ledger.ts";
import { randomTerms } from "./terms.ts";
import type { Work } from "./work.ts";

/** How many maps may run at a time. */
const MOST = 6;

/** How often an item may be lost and run again. */
const RETRIES = 3;

/** A map that has begun. */
interface Running {
  readonly results: MapIterator<unknown>;
  readonly items: readonly Work[];
  readonly ordered: boolean;
  /** How many items had ended when it was last looked at. */
  ended: number;
}

/** The maps of a trial. */
export class TrialMaps {
  readonly #random: Random;
  readonly #scheduler: Scheduler;
  readonly #ledger: Ledger;
  readonly #running = new Set<Running>();

  constructor(random: Random, scheduler: Scheduler, ledger: Ledger) {
    this.#random = random;
    this.#scheduler = scheduler;
    this.#ledger = ledger;
  }

  /** Whether all of them have ended. */
  get areDone(): boolean {
    return this.#running.size === 0;
  }

  /** Begins a map, unless there are many. */
  begin(): void {
    if (this.#running.size >= MOST) return;
    const map = this.#prepare();
    this.#running.add(map);
    this.#read(map)
      .catch((fault) => this.#ledger.faults.push(String(fault)))
      .finally(() => this.#running.delete(map));
  }

  /** Checks the progress of the maps. */
  check(): void {
    for (const map of this.#running) {
      const { done, failed, running } = map.results.progress;
      const ended = done + failed;
      this.#ledger.check(
        ended >= map.ended && running >= 0 &&
          ended + running <= map.items.length,
        () =>
          `${done} done, ${failed} failed, ${running} running of ${map.items.length} after ${map.ended}`,
      );
      map.ended = ended;
    }
  }

  /** Describes the maps that haven't ended. */
  describe(): string[] {
    return [...this.#running].map(({ items, results }) => {
      const { phase, done, failed, running, total } = results.progress;
      return `map of ${
        items[0]!.description
      }: ${phase}, ${done} done, ${failed} failed, ${running} running of ${total}`;
    });
  }

  #prepare(): Running {
    const random = this.#random;
    const ordered = random.below(2) === 0;
    const speculate = random.below(2) === 0;
    const terms = {
      ...randomTerms(random, {
        retries: RETRIES,
        attempts: random.pick([1, 50]),
      }),
      speculate,
      isItem: true,
    };
    const items = Array.from(
      { length: 1 + random.below(12) },
      () => this.#ledger.add("item", terms),
    );
    const results = prepareMap<unknown>({
      task: TASK,
      items: new Items([items.map(({ label }) => label)]),
      spread: false,
      chunkSize: new ChunkSize(random.pick([1, 2, 5])),
      ordered,
      timeout: undefined,
      trace: new CallerTrace(prepareMap),
      signal: undefined,
      terms,
      speculate,
    }, this.#scheduler);
    return { results, items, ordered, ended: 0 };
  }

  async #read(map: Running): Promise<void> {
    const way = this.#random.below(8);
    if (way === 0) return await this.#readFirst(map);
    if (way < 3) return await this.#readSettled(map);
    const { results, items, ordered } = map;
    try {
      const values = await results.toArray() as string[];
      const labels = items.map(({ label }) => label);
      assertEquals(
        ordered ? values : values.toSorted(),
        ordered ? labels : labels.toSorted(),
      );
      const { done, failed, running } = results.progress;
      assertEquals([done, failed, running], [items.length, 0, 0]);
    } catch (error) {
      checkError(map, error);
    }
  }

  /** Ends a map after its first result. */
  async #readFirst(map: Running): Promise<void> {
    try {
      const { value } = await map.results.next();
      const labels = map.items.map(({ label }) => label);
      const allowed = map.ordered ? labels.slice(0, 1) : labels;
      assertEquals(allowed.filter((label) => label === value), [value]);
      await map.results.return();
    } catch (error) {
      checkError(map, error);
    }
  }

  /** Reads how each item ends. */
  async #readSettled(map: Running): Promise<void> {
    const settled = await map.results.settled().toArray();
    const { items, ordered } = map;
    const indexes = settled.map(({ index }) => index);
    assertEquals(
      ordered ? indexes : indexes.toSorted((one, other) => one - other),
      items.map((_, index) => index),
    );
    for (const end of settled) checkEnd(items[end.index]!, end);
    const { done, failed, running } = map.results.progress;
    const rejected = settled.filter(({ status }) => status === "rejected");
    assertEquals(
      [done, failed, running],
      [items.length - rejected.length, rejected.length, 0],
    );
  }
}

/** Checks how an item has ended. */
function checkEnd(item: Work, end: SettledItem<unknown>): void {
  if (end.status === "fulfilled") return assertEquals(end.value, item.label);
  checkItemError(item, end.reason);
}

/** Checks that one of a map's items may end it with this error. */
function checkError({ items }: Running, error: unknown): void {
  if (error instanceof WorkerLostError) return;
  const isThrown = items.some(({ thrown, attempts }) => thrown >= attempts);
  if (!(error instanceof TypeError && isThrown)) throw error;
}

function checkItemError(item: Work, error: unknown): void {
  if (error instanceof WorkerLostError) return;
  assertInstanceOf(error, TypeError);
  assertEquals(item.thrown >= item.attempts, true, item.label);
}
