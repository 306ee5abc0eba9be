import type { CallTerms } from "../../src/calls/call_kind.ts";
import type { Scheduler } from "../../src/scheduling/scheduler.ts";
import type { LostWorker } from "../../src/scheduling/worker_events.ts";
import type { WorkerHandle } from "../../src/scheduling/worker_handle.ts";
import type { Random } from "../helpers/random.ts";
import type { Ledger } from "./ledger.ts";
import { Machine } from "./machine.ts";
import { type HostName, HOSTS } from "./terms.ts";
import { TrialWorker } from "./trial_worker.ts";
import type { Work } from "./work.ts";

/** How many workers there may be, unless hosts would have none. */
const MOST = 5;

/** How the workers of a trial are. */
export interface WorkersOptions {
  /** How many calls each may have. */
  readonly room: number;
  /** Whether each may run only so many items, and is then replaced. */
  readonly isLimited: boolean;
  /** Called when a worker has got work. */
  readonly arrived: (work: readonly Work[]) => void;
}

/** The workers of a trial, which come and go. */
export class TrialWorkers {
  /** The machines of the hosts. */
  readonly machines: readonly Machine[];
  readonly #random: Random;
  readonly #scheduler: Scheduler;
  readonly #ledger: Ledger;
  readonly #options: WorkersOptions;
  /** The hosts where workers are still to be replaced. */
  readonly #due: HostName[] = [];
  readonly #byHandle = new Map<WorkerHandle, TrialWorker>();
  /** The workers of keys, by the placement and bucket. */
  readonly #ofKeys = new Map<string, TrialWorker>();

  constructor(
    random: Random,
    scheduler: Scheduler,
    ledger: Ledger,
    options: WorkersOptions,
  ) {
    this.#random = random;
    this.#scheduler = scheduler;
    this.#ledger = ledger;
    this.#options = options;
    this.machines = Object.entries(HOSTS)
      .map(([host, resources]) => new Machine(host, resources, ledger));
  }

  /** The workers that weren't lost. */
  get all(): TrialWorker[] {
    return this.machines.flatMap(({ workers }) => [...workers]);
  }

  /** Adds a worker. */
  async add(host: HostName): Promise<void> {
    const machine = this.machines.find((machine) => machine.host === host)!;
    const { room, isLimited, arrived } = this.#options;
    const maxItems = isLimited ? 1 + this.#random.below(5) : Infinity;
    const worker = new TrialWorker(machine, this.#ledger, { room, maxItems });
    worker.onArrival = (work) => {
      arrived(work);
      this.#checkKey(worker, work[0]!.terms);
    };
    this.#byHandle.set(worker.handle, worker);
    await this.#scheduler.connect(worker.handle, undefined);
    this.#scheduler.add([worker.handle]);
  }

  /** Adds a worker to a random host, unless there are many. */
  async addAny(): Promise<void> {
    if (this.all.length < MOST) await this.add(this.#random.pick(["a", "b"]));
  }

  /** Adds one that is due. */
  async addDue(): Promise<void> {
    const host = this.#due.shift();
    if (host !== undefined) await this.add(host);
  }

  /** Loses a worker, unless it is the only one. */
  lose(): void {
    if (this.all.length > 1) this.#any()?.end();
  }

  /** Drains a worker, unless it is the only one. */
  drain(): void {
    const worker = this.#any();
    if (this.all.length > 1 && worker?.isLeaving === false) this.#end(worker);
  }

  /** Takes note that the scheduler has lost a worker. */
  lost(handle: WorkerHandle, loss: LostWorker): void {
    this.#byHandle.get(handle)!.lost(loss);
  }

  /** Lets a worker answer. */
  answer(isReturn: boolean): void {
    this.#any()?.answer(isReturn);
  }

  /** Lets all workers answer, and adds those that are missing. */
  async finish(): Promise<void> {
    for (const worker of this.all) worker.answer(true);
    while (this.#due.length > 0) await this.addDue();
    for (const { host, workers } of this.machines) {
      const isEmpty = [...workers].every(({ handle }) => handle.isRetired);
      if (isEmpty) await this.add(host as HostName);
    }
  }

  /** Replaces the workers that have run as many items as they may. */
  async replace(): Promise<void> {
    for (const worker of this.all) {
      const { handle, isLeaving, machine } = worker;
      if (isLeaving || !handle.isRetired || handle.hasCalls) continue;
      const host = machine.host as HostName;
      if (this.#random.below(2) === 0) await this.add(host);
      else this.#due.push(host);
      this.#end(worker);
    }
  }

  /** Checks that the scheduler regards all workers as idle. */
  checkIdle(): void {
    for (const { handle } of this.all) {
      const { window, items, movable, reservation, name } = handle;
      const isIdle = window.calls + items + movable === 0 &&
        reservation === undefined;
      this.#ledger.check(
        isIdle,
        () =>
          `${name} has ${window.calls} calls, ${items} items, ${movable} movable, ${reservation}`,
      );
    }
  }

  /** Describes the workers. */
  describe(): string[] {
    return this.all.map(({ handle, work }) => {
      const { name, reservation, isRetired, isRecalling, window } = handle;
      return [
        `${name} has ${work.map(({ label }) => label).join(" ") || "nothing"}`,
        `${window.calls} calls`,
        `${window.itemsLeft} items left`,
        `${reservation}`,
        ...isRetired ? ["retired"] : [],
        ...isRecalling ? ["recalling"] : [],
      ].join(", ");
    });
  }

  #any(): TrialWorker | undefined {
    const { all } = this;
    return all[this.#random.below(all.length)];
  }

  #end(worker: TrialWorker): void {
    worker.isLeaving = true;
    this.#scheduler.drain(worker.handle).then(() => worker.end());
  }

  /** Checks that a key keeps its worker as long as that gets calls. */
  #checkKey(worker: TrialWorker, { placement, bucket }: CallTerms): void {
    if (!placement?.isKeyed) return;
    const key = `${bucket} ${placement.needs}`;
    const before = this.#ofKeys.get(key);
    this.#ofKeys.set(key, worker);
    if (before === undefined || before === worker) return;
    // A limited one may have been about to leave, but got items back.
    const mayMove = before.isLimited || before.isLeaving || before.isGone;
    this.#ledger.check(mayMove, () => `key ${key} leaves its worker`);
  }
}
