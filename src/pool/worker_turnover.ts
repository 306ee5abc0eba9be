import type { ConnectedWorker, ManagedHost } from "../hosts/managed_host.ts";
import type { LimitedWindow } from "../scheduling/limited_window.ts";
import type { Scheduler } from "../scheduling/scheduler.ts";
import type { WorkerHandle } from "../scheduling/worker_handle.ts";

type WorkerProcess = ConnectedWorker["process"];

/** How long a worker takes to start until that was measured, in milliseconds. */
const START_TIME = 250;

/** How much earlier than necessary a worker starts: other work may slow it down. */
const MARGIN = 2;

/** A worker that may run only so many items. */
interface Turn {
  readonly handle: WorkerHandle;
  readonly host: ManagedHost;
  readonly window: LimitedWindow;
  /** Resolves when another may run calls in its place. */
  readonly over: PromiseWithResolvers<void>;
  /** When the other was asked for (`performance.now()`), if it was. */
  replacedAt: number | undefined;
  /** Whether it is looked at in a microtask. */
  isDue: boolean;
  isOver: boolean;
}

/**
 * Replaces workers that have run as many items as they may.
 *
 * The next worker starts while the present one has some items left. It connects,
 * runs the initializer, and waits. When the present one has answered its last
 * call, the next one gets calls in its place.
 */
export class WorkerTurnover {
  readonly #scheduler: Scheduler;
  readonly #maxTasks: number;
  readonly #turns = new WeakMap<WorkerProcess, Turn>();
  /** The workers that wait for their turn. */
  readonly #waiting = new WeakSet<WorkerHandle>();
  /** How long the last worker took to start, in milliseconds. */
  #startTime = START_TIME;

  /**
   * Constructs it without workers.
   *
   * @param maxTasks How many items a worker may run besides its initializer.
   */
  constructor(scheduler: Scheduler, maxTasks: number) {
    this.#scheduler = scheduler;
    this.#maxTasks = maxTasks;
  }

  /** Watches how many items a worker has left. */
  watch(handle: WorkerHandle, host: ManagedHost, window: LimitedWindow): void {
    const turn: Turn = {
      handle,
      host,
      window,
      over: Promise.withResolvers(),
      replacedAt: undefined,
      isDue: false,
      isOver: false,
    };
    this.#turns.set(handle.process, turn);
    handle.process.ended.then(() => turn.over.resolve());
    window.onChange = () => {
      if (turn.isDue) return;
      turn.isDue = true;
      queueMicrotask(() => this.#look(turn));
    };
  }

  /**
   * Waits until a worker gets calls.
   *
   * @param replaced The worker in whose place it has started.
   */
  async turnAfter(
    replaced: WorkerProcess,
    handle: WorkerHandle,
  ): Promise<void> {
    const turn = this.#turns.get(replaced);
    if (turn === undefined) return;
    if (turn.replacedAt !== undefined) {
      this.#startTime = performance.now() - turn.replacedAt;
    }
    this.#waiting.add(handle);
    await turn.over.promise;
    this.#waiting.delete(handle);
  }

  /** Returns whether a worker waits until another has run its last call. */
  isWaiting(handle: WorkerHandle): boolean {
    return this.#waiting.has(handle);
  }

  /** Ends a worker once it has no calls, and starts another in its place. */
  async replace(handle: WorkerHandle, host: ManagedHost): Promise<void> {
    host.replace(handle.process);
    this.#turns.get(handle.process)?.over.resolve();
    await this.#scheduler.drain(handle);
    host.release(handle.process);
  }

  #look(turn: Turn): void {
    turn.isDue = false;
    const { handle, host, window } = turn;
    if (turn.isOver || handle.isEnding) return;
    if (turn.replacedAt === undefined && this.#isEnough(turn)) {
      turn.replacedAt = performance.now();
      host.replace(handle.process);
    }
    // A call whose values nobody reads now may take for ever.
    const isOver = turn.replacedAt !== undefined && handle.isRetired &&
      window.calls === 0;
    if (!isOver) return;
    turn.isOver = true;
    this.replace(handle, host);
  }

  /** Returns whether the items that are left take less than another's start. */
  #isEnough({ handle, window }: Turn): boolean {
    if (window.itemsLeft === 0) return true;
    // It has only run its initializer, and may wait for its own turn: the one
    // after it would start the next one, and so on.
    if (window.itemsLeft >= this.#maxTasks) return false;
    const { done, failed, busy } = handle.tally;
    const items = done + failed;
    if (items === 0) return false;
    const milliseconds = busy / items / 1_000;
    const left = window.itemsLeft + handle.items;
    return left * milliseconds <= this.#startTime * MARGIN;
  }
}
