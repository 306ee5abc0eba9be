import type { Call } from "../calls/call.ts";
import type { CallRunner } from "../calls/call_owner.ts";
import type { Placement } from "../calls/placement.ts";
import { unlabeledPlace, type WorkerPlace } from "../options/place.ts";
import type { StreamLink } from "../calls/stream_link.ts";
import type { RegisteredTask } from "../tasks/task_registry.ts";
import { CallWriter } from "./call_writer.ts";
import { CallsInFlight } from "./calls_in_flight.ts";
import { GracePeriod } from "./grace_period.ts";
import { endRun } from "./left_run.ts";
import type { HostTally } from "./host_tally.ts";
import { WorkerAnswers } from "./worker_answers.ts";
import type {
  LostWorker,
  RecallRequest,
  Reservation,
  WorkerEvents,
  WorkerProfile,
} from "./worker_events.ts";
import { WorkerLink } from "./worker_link.ts";
import type { PrefetchWindow } from "./prefetch_window.ts";
import type { WorkerProcess } from "../spawner/worker_process.ts";
import type { Channel } from "../transport/channel.ts";
import { type Grant, MessageType } from "../protocol/worker_messages.ts";
import { fromWorker } from "../protocol/check_messages.ts";

/** From this size on, a result that arrives keeps the worker from other calls. */
const MIN_LARGE_BYTES = 2 ** 22;

/** The place of workers whose machine isn't described. */
const NO_PLACE = unlabeledPlace();

/** The pool's end of a worker: sends calls, and receives their outcomes. */
export class WorkerHandle implements CallRunner<Call> {
  /** The worker's name in messages. */
  readonly name: string;
  /** The worker's host. */
  readonly host: string;
  /** The worker's machine. */
  readonly place: WorkerPlace;
  /** Limits how many calls the worker may have. */
  readonly window: PrefetchWindow;
  /** Whether the worker is lost. */
  lost = false;
  /** The task of the latest call; `undefined` for a chunk. */
  latestTask: RegisteredTask | undefined;

  readonly #profile: WorkerProfile;
  readonly #channel: Channel;
  readonly #writer: CallWriter;
  readonly #calls: CallsInFlight;
  /** How many abandoned calls are unanswered. */
  #abandoned = 0;
  readonly #grace: GracePeriod;
  #killed = false;
  #isRetired = false;
  #received = 0;
  readonly #since = performance.now();
  #reservation: Reservation;
  /** How many items its calls have, without those that are paused. */
  #items = 0;
  /** How many of its calls may not run anywhere. */
  #placed = 0;
  /** How many of its calls have keys. */
  #keyed = 0;
  /** The placement of the last one that was sent. */
  #range: Placement | undefined;
  readonly #answers: WorkerAnswers;
  #events: WorkerEvents | undefined;

  /** Constructs a handle for the worker at the other end of a channel. */
  constructor(
    profile: WorkerProfile,
    channel: Channel,
    window: PrefetchWindow,
  ) {
    this.name = profile.process.name;
    this.host = profile.tally.name;
    this.place = profile.place ?? NO_PLACE;
    this.window = window;
    this.#profile = profile;
    this.#channel = channel;
    this.#writer = new CallWriter(channel, profile.modules, {
      defined: (task) => this.#events?.defined?.(task),
      overtaken: (message) => this.#calls.overtaken(message),
    });
    const { concurrency, cancelGrace } = profile;
    this.#calls = new CallsInFlight(concurrency);
    this.#grace = new GracePeriod(
      this.#calls,
      cancelGrace,
      () => this.#kill(),
      () => this.#events?.isNeeded?.() ?? true,
    );
    this.#answers = new WorkerAnswers(this.#calls, window, profile.tally, {
      take: (id) => this.#take(id),
      judge: (call, thrown) => this.#events?.judge?.(call, thrown),
      rerun: (call, failed) => this.#events?.rerun?.(call, failed),
      measured: (task, calls, microseconds) =>
        this.#events?.measured?.(task, calls, microseconds),
      expired: (call, error) =>
        endRun(call, error, {
          worker: this,
          calls: this.#calls,
          events: this.#events,
        }),
      cut: (items) => this.#items -= items,
      full: () => this.#events?.full?.(),
      givenBack: (calls) => {
        for (const { items } of calls) window.givenBack(items);
        this.#events?.givenBack?.(calls);
      },
    });
  }

  /**
   * Whether the worker is lost, is being killed, or was lost with its host. In
   * the last case, its connection may close a little later.
   */
  get isEnding(): boolean {
    return this.lost || this.#killed || this.#profile.process.isHostLost;
  }

  /**
   * `"isolated"` while the worker runs one call in isolation; `"draining"`
   * while it gets no new calls, because a call waits to run in isolation.
   */
  get reservation(): Reservation {
    return this.#reservation;
  }

  /** Whether the worker gets no more calls, ever. */
  get isRetired(): boolean {
    return this.#isRetired || this.window.itemsLeft === 0;
  }

  /** Whether the worker accepts calls. */
  get isOpen(): boolean {
    return this.#reservation === undefined && this.#isInUse;
  }

  /** Whether the worker, if it isn't kept for others, could begin calls now. */
  get isReceptive(): boolean {
    return this.#isInUse && !this.isSending;
  }

  get #isInUse(): boolean {
    return !this.isEnding && !this.isRetired && !this.#grace.isOver;
  }

  /** Whether it sends a large result: until then it begins no calls. */
  get isSending(): boolean {
    return this.missingBytes >= MIN_LARGE_BYTES;
  }

  /** Whether another call may be sent to the worker now. */
  get hasRoom(): boolean {
    return this.room > 0;
  }

  /** How many more calls may be sent to the worker now. */
  get room(): number {
    return this.isOpen && !this.isSending ? Math.max(0, this.window.room) : 0;
  }

  /** Returns whether calls with a placement may run here, or anywhere. */
  fits(placement: Placement | undefined): boolean {
    return placement === undefined || placement.matches(this.host, this.place);
  }

  /** The worker's process. */
  get process(): WorkerProcess {
    return this.#profile.process;
  }

  /** The tally of the worker's host. */
  get tally(): HostTally {
    return this.#profile.tally;
  }

  /** The numbers of the tasks that the worker knows. */
  get definedTasks(): Iterable<number> {
    return this.#writer.defined;
  }

  /** The id of the next call. */
  get nextId(): number {
    return this.#writer.nextId;
  }

  /** How many messages have arrived from the worker. */
  get received(): number {
    return this.#received;
  }

  /** Returns whether a call of the worker is large and hasn't left as a whole. */
  isLeaving(call: Call): boolean {
    return this.#writer.isLeaving(call.message);
  }

  /** How many items the worker's calls have, without those that are paused. */
  get items(): number {
    return this.#items;
  }

  /** How many of its calls could move to other workers, if they haven't begun. */
  get movable(): number {
    return Math.max(0, this.window.calls - this.#keyed);
  }

  /**
   * Where the calls that wait here may run: anywhere only if that is so for all
   * of them. The last ones are given back first, so the last placement counts.
   */
  get range(): Placement | undefined {
    return this.#placed > 0 ? this.#range : undefined;
  }

  /** Whether the worker was asked to give back calls, and hasn't answered. */
  get isRecalling(): boolean {
    return this.#answers.isRecalling;
  }

  /**
   * How many bytes of a large result are still to arrive. Until then, the worker
   * begins no calls.
   */
  get missingBytes(): number {
    return this.#channel.missingBytes;
  }

  /** Whether the worker has unanswered calls. */
  get hasCalls(): boolean {
    return !this.#calls.isEmpty;
  }

  /** For how long the worker has had no calls, in milliseconds. */
  get idleTime(): number {
    if (this.hasCalls) return 0;
    return performance.now() - Math.max(this.#since, this.window.heardAt);
  }

  /** The unanswered calls of the worker. */
  get calls(): Iterable<Call> {
    return this.#calls;
  }

  /**
   * Receives results until the worker is lost.
   *
   * @returns How the worker was lost, and its unanswered calls.
   */
  async receive(events: WorkerEvents): Promise<LostWorker> {
    this.#events = events;
    let cause: unknown;
    try {
      await this.#channel.receive((message, byteLength) => {
        this.#received++;
        const calls = this.#answers.receive(fromWorker(message), byteLength);
        if (this.#abandoned > 0) this.#grace.watch();
        this.#changed(calls);
      }, () => this.#changed());
    } catch (error) {
      cause = error;
      // Its calls may run elsewhere, so it must stop running them.
      this.#profile.process.kill();
    }
    // Set before awaiting, so nothing is sent to the worker from now on.
    this.lost = true;
    this.#grace.close();
    this.#answers.close();
    const end = await this.#profile.process.end();
    const isComplete = !end.hostLost && !this.#mayMissResults(cause);
    // If the pool hadn't killed it, a large argument may be what ended it.
    const isLeaving = this.#killed
      ? (message: number) => this.#writer.isLeaving(message)
      : undefined;
    const { isHeld } = this.#answers;
    const calls = this.#calls.takeAll(isComplete, isLeaving, isHeld);
    return { ...calls, end, cause };
  }

  /** Returns whether results of the lost worker may not have arrived. */
  #mayMissResults(cause: unknown): boolean {
    if (!this.#profile.overTcp) return false;
    // A stuck worker that the pool killed had already sent all its results.
    if (this.#killed && !this.#channel.isWithinMessage) return false;
    return this.#channel.hidesResets || isReset(cause) ||
      isReset(this.#channel.writeError);
  }

  /**
   * Writes a call and what it may use of the machine, then sends both. If it
   * can't be written, the call fails.
   */
  assign(call: Call, grant: Grant): void {
    const { RESOURCES } = MessageType;
    const { nextId } = this.#writer;
    this.#writer.post([RESOURCES, nextId, grant]);
    this.send(call);
    // The next call will have this id.
    if (call.state === "settled") this.#writer.post([RESOURCES, nextId, {}]);
    this.flush();
  }

  /**
   * Writes a call; {@linkcode WorkerHandle.flush} sends it. If it can't be
   * written, the call fails.
   */
  send(call: Call): void {
    const writer = this.#writer;
    const id = writer.nextId;
    let bytes: number;
    try {
      bytes = writer.write(call);
    } catch (error) {
      return call.fail(error);
    }
    this.window.sent(bytes, call.items);
    call.send(this, id, writer.message, bytes);
    this.#calls.add(call);
    this.#items += call.items;
    this.latestTask = call.chunk === undefined ? call.task : undefined;
    const { placement } = call.terms;
    // A call with resources doesn't wait here.
    if (placement !== undefined && placement.needs === undefined) {
      this.#placed++;
      this.#range = placement;
      if (placement.isKeyed) this.#keyed++;
    }
  }

  /** Sends everything written so far. */
  flush(): void {
    this.#writer.flush();
  }

  /** Tells the worker to forget a task, if the task was sent to it. */
  forget(task: number): void {
    this.#writer.forget(task);
  }

  /**
   * Tells the worker that a call was abandoned. If the call doesn't end within
   * the grace period, the worker is killed: see {@linkcode GracePeriod}.
   */
  release(call: Call): void {
    // A lost worker's calls are about to be settled or moved.
    if (!this.#calls.has(call)) return;
    this.#writer.cancel(call.id);
    this.#answers.ended(call);
    this.#abandoned++;
    this.#grace.watch();
    this.#changed();
  }

  /** Returns the way to send values of a call's streams. */
  link({ id }: Call): StreamLink {
    return new WorkerLink(this.#writer, id);
  }

  /** Uses the place of a call that was paused for others. */
  paused(call: Call): void {
    this.window.returned(call.bytes);
    this.#items -= call.items;
    this.#changed();
  }

  /** Takes a place for a paused call that continues. */
  resumed(call: Call): void {
    this.window.sent(call.bytes);
    this.#items += call.items;
    this.#changed();
  }

  /** Returns how long a call may have been running: not while others ran. */
  runningTime(sentAt: number): number {
    const { concurrency, delay, silence } = this.window;
    const time = performance.now() - sentAt - delay;
    return concurrency === 1 ? Math.min(time, silence) : time;
  }

  /** Asks the worker to give back calls that it hasn't begun. */
  recall({ parts, keep, cut }: RecallRequest): void {
    this.#answers.expectRecalled(parts);
    // The worker gives back only what it has, so this may pass a large call.
    this.#writer.post([MessageType.RECALL, parts, keep, cut]);
  }

  /** Keeps the worker for calls in isolation, or for all calls again. */
  reserve(reservation: Reservation): void {
    this.#reservation = reservation;
    this.#changed();
  }

  /** Gives the worker no more calls. */
  retire(): void {
    this.#isRetired = true;
    this.#changed();
  }

  /** Closes the connection, which ends the worker. */
  close(): void {
    this.#channel.close();
  }

  /**
   * Kills the worker, but keeps the connection open: the results that the
   * worker already sent show which calls it began.
   */
  #kill(): void {
    this.#killed = true;
    this.#profile.process.kill(true);
  }

  #changed(answered = 0): void {
    if (this.#reservation === "isolated" && this.window.calls === 0) {
      this.#reservation = undefined;
    }
    this.#events?.changed(answered);
  }

  /** Removes and returns a call that was answered. */
  #take(id: number): Call {
    const call = this.#calls.take(id);
    this.#answers.ended(call);
    const { placement } = call.terms;
    if (placement !== undefined) {
      if (placement.needs === undefined) {
        this.#placed--;
        if (placement.isKeyed) this.#keyed--;
      } else this.#events?.freed?.(call);
    }
    if (call.hasPlace) {
      this.window.returned(call.bytes);
      this.#items -= call.items;
    }
    if (call.state === "abandoned" && --this.#abandoned === 0) {
      this.#grace.watch();
    }
    return call;
  }
}

/** Returns whether an error means that the connection may have dropped data. */
function isReset(cause: unknown): boolean {
  return cause instanceof Deno.errors.ConnectionReset ||
    cause instanceof Deno.errors.ConnectionAborted ||
    cause instanceof Deno.errors.TimedOut;
}
