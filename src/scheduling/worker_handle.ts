import type { Call } from "../calls/call.ts";
import type { CallRunner } from "../calls/call_owner.ts";
import type { Placement } from "../calls/placement.ts";
import { unlabeledPlace, type WorkerPlace } from "../options/place.ts";
import type { StreamLink } from "../calls/stream_link.ts";
import type { RegisteredTask } from "../tasks/task_registry.ts";
import { CallWriter } from "./call_writer.ts";
import { CallsInFlight } from "./calls_in_flight.ts";
import { endOfWorker } from "./end_of_worker.ts";
import { GracePeriod } from "./grace_period.ts";
import { endRun, LeftRun } from "./left_run.ts";
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
import { WorkerLoad } from "./worker_load.ts";
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
  /** The worker's process. */
  readonly process: WorkerProcess;
  /** The tally of the worker's host. */
  readonly tally: HostTally;
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
  #isDraining = false;
  #received = 0;
  #answered = 0;
  readonly #since = performance.now();
  #reservation: Reservation;
  readonly #load: WorkerLoad;
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
    this.process = profile.process;
    this.tally = profile.tally;
    this.place = profile.place ?? NO_PLACE;
    this.window = window;
    this.#load = new WorkerLoad(window);
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
      cut: (items) => this.#load.cut(items),
      full: () => this.#events?.full?.(),
      givenBack: (calls) => {
        this.#load.giveBack(calls);
        this.#events?.givenBack?.(calls);
      },
    });
  }

  /**
   * Whether the worker is lost, is being killed, or was lost with its host. In
   * the last case, its connection may close a little later.
   */
  get isEnding(): boolean {
    return this.lost || this.#killed || this.process.isHostLost;
  }

  /** Whether the worker is kept for calls in isolation. */
  get reservation(): Reservation {
    return this.#reservation;
  }

  /** Whether the worker was told to run no more calls than it has begun. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /**
   * Whether the worker gets no more calls: because it is draining, or because it
   * has as many as it may run, unless it gives some back.
   */
  get isRetired(): boolean {
    return this.#isDraining || this.window.itemsLeft === 0;
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

  /** How many calls the worker has answered, with its initializer. */
  get answered(): number {
    return this.#answered;
  }

  /** Returns whether a call of the worker is large and hasn't left as a whole. */
  isLeaving(call: Call): boolean {
    return this.#writer.isLeaving(call.message);
  }

  /** See {@linkcode WorkerLoad.items}. */
  get items(): number {
    return this.#load.items;
  }

  /** See {@linkcode WorkerLoad.movable}. */
  get movable(): number {
    return this.#load.movable;
  }

  /** See {@linkcode WorkerLoad.range}. */
  get range(): Placement | undefined {
    return this.#load.range;
  }

  /** Whether the worker was asked to give back calls, and hasn't answered. */
  get isRecalling(): boolean {
    return this.#answers.isRecalling;
  }

  /** How many bytes of a large result are still to arrive. */
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
        this.#answered += calls;
        if (this.#abandoned > 0) this.#grace.watch();
        this.#changed(calls);
      }, () => this.#changed());
    } catch (error) {
      cause = error;
      // Its calls may run elsewhere, so it must stop running them.
      this.process.kill();
    }
    // Set before awaiting, so nothing is sent to the worker from now on.
    this.lost = true;
    this.#grace.close();
    this.#answers.close();
    return await endOfWorker(cause, {
      profile: this.#profile,
      channel: this.#channel,
      writer: this.#writer,
      calls: this.#calls,
      answers: this.#answers,
      killed: this.#killed,
    });
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
    const items = call.chunk === undefined ? undefined : call.payload;
    let bytes: number;
    try {
      bytes = writer.write(call);
    } catch (error) {
      return call.fail(error);
    }
    if (call.state === "settled") {
      // A getter of its own arguments has ended it, but it is written.
      const run = new LeftRun(call, items);
      this.#add(run, id, bytes);
      return void run.abandon();
    }
    this.#add(call, id, bytes);
    this.latestTask = call.chunk === undefined ? call.task : undefined;
  }

  /** Takes note of a call that was written. */
  #add(call: Call, id: number, bytes: number): void {
    this.#load.add(call, bytes);
    call.send(this, id, this.#writer.message, bytes);
    this.#calls.add(call);
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
    this.#load.pause(call);
    this.#changed();
  }

  /** Takes a place for a paused call that continues. */
  resumed(call: Call): void {
    this.#load.resume(call);
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
    this.#isDraining = true;
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
    this.process.kill(true);
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
    if (call.terms.placement?.needs !== undefined) this.#events?.freed?.(call);
    this.#load.remove(call);
    if (call.state === "abandoned" && --this.#abandoned === 0) {
      this.#grace.watch();
    }
    return call;
  }
}
