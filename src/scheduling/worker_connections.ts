import type { Call } from "../calls/call.ts";
import type { CallCounts } from "../calls/call_counts.ts";
import type { PromisedCall } from "../calls/promised_call.ts";
import type { CallSources } from "./call_sources.ts";
import { DefinedTasks } from "./defined_tasks.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { KeyedWorkers } from "./keyed_workers.ts";
import { LostCalls } from "./lost_calls.ts";
import type { RequeuedCalls } from "./requeued_calls.ts";
import type { ResourceCalls } from "./resource_calls.ts";
import type { SchedulerEvents } from "./scheduler_events.ts";
import type { TaskDurations } from "./task_durations.ts";
import type { ThrownCalls } from "./thrown_calls.ts";
import type { LostWorker } from "./worker_events.ts";
import type { WorkerHandle } from "./worker_handle.ts";
import type { WorkerSet } from "./worker_set.ts";

/** The parts of a scheduler that the messages and losses of workers concern. */
export interface WorkerConnectionsParts {
  /** The workers that get calls. */
  readonly workers: WorkerSet;
  /** Knows the workers of calls with keys. */
  readonly keyed: KeyedWorkers;
  /** Sends calls to the workers. */
  readonly dispatcher: Dispatcher;
  /** Queues calls that workers have given back or lost. */
  readonly requeued: RequeuedCalls;
  /** Sends the calls that take resources. */
  readonly resources: ResourceCalls;
  /** The sources of further calls. */
  readonly sources: CallSources;
  /** How long calls take. */
  readonly durations: TaskDurations;
  /** Runs calls again whose tasks have thrown. */
  readonly thrown: ThrownCalls;
  /** Counts the calls. */
  readonly counts: CallCounts;
  /** Counts the initializer calls of workers, which aren't the user's. */
  readonly initializers: CallCounts;
  /** The callbacks to the owner of the scheduler. */
  readonly events: SchedulerEvents;
  /** Returns whether anything waits for a worker, or for the end of the pool. */
  readonly isNeeded: () => boolean;
}

/** Passes on the answers of workers, and handles their losses. */
export class WorkerConnections {
  readonly #parts: WorkerConnectionsParts;
  readonly #definedTasks = new DefinedTasks();
  readonly #lostCalls: LostCalls;

  /** Constructs an object that has no workers yet. */
  constructor(parts: WorkerConnectionsParts) {
    this.#parts = parts;
    this.#lostCalls = new LostCalls(parts.counts, parts.requeued);
  }

  /**
   * Begins to receive from a worker, and runs its initializer. The worker gets
   * other calls only after {@linkcode Scheduler.add}.
   *
   * @param initializer The call of the initializer; `undefined` for none.
   */
  async connect(
    worker: WorkerHandle,
    initializer: PromisedCall<unknown> | undefined,
  ): Promise<void> {
    const { dispatcher, durations, resources, thrown, counts, events } =
      this.#parts;
    const loss = worker.receive({
      changed: (answered) => {
        dispatcher.refresh(worker, answered > 0);
        dispatcher.wake();
      },
      measured: (task, calls, microseconds) =>
        durations.add(task, calls, microseconds),
      judge: (call, reason) => thrown.judge(call, reason),
      rerun: (call, failed) => thrown.rerun(call, failed),
      left: (call, run) => {
        run.submit(counts);
        resources.replaced(worker, call, run);
      },
      freed: (call) => resources.freed(worker, call),
      givenBack: (calls) => this.#takeBack(worker, calls),
      full: () => {
        dispatcher.drainHeld(worker);
        events.full?.(worker);
      },
      defined: (task) => this.#definedTasks.add(task, worker),
      isNeeded: this.#parts.isNeeded,
    });
    loss.then((loss) => this.#lost(worker, loss));
    if (initializer === undefined) return;
    initializer.submit(this.#parts.initializers);
    worker.send(initializer);
    worker.flush();
    await initializer.promise;
  }

  /** Tells the workers that know a task to forget it. */
  forget(task: number): void {
    this.#definedTasks.forget(task);
  }

  /** Queues calls again that a worker has given back. */
  #takeBack(worker: WorkerHandle, calls: readonly Call[]): void {
    const { requeued, dispatcher, counts } = this.#parts;
    if (calls.length > 0) {
      for (const call of calls) {
        // The others were already queued again.
        if (!call.isSubmitted) call.submit(counts);
      }
      requeued.moved(calls);
    }
    const movable = calls.filter(({ terms }) => !terms.placement?.isKeyed);
    dispatcher.gaveBack(worker, movable.length);
  }

  #lost(worker: WorkerHandle, loss: LostWorker): void {
    const { workers, keyed, dispatcher, sources, events } = this.#parts;
    workers.remove(worker);
    keyed.lost();
    dispatcher.remove(worker);
    this.#definedTasks.remove(worker);
    this.#lostCalls.settle(worker.name, loss);
    sources.workersChanged();
    events.lost(worker, loss);
    dispatcher.wake();
  }
}
