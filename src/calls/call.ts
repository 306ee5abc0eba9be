import { CallDelivery } from "./call_delivery.ts";
import type { CallKind } from "./call_kind.ts";
import { CallMessages } from "./call_messages.ts";
import type { CallOwner, CallRunner } from "./call_owner.ts";
import type { CallObserver, CallState } from "./call_state.ts";
import { CallStreams } from "./call_streams.ts";
import type { StreamLink } from "./stream_link.ts";
import { openAccount, type Streaming } from "./streaming.ts";

/** A unit of work that is sent to a worker, from its submission to its outcome. */
export abstract class Call extends CallDelivery<Call> {
  #state: CallState = "queued";
  #owner: CallOwner<Call> | undefined;
  /** What only a call with streams needs: the fewer fields, the faster. */
  #streaming: Streaming | undefined;
  #observer: CallObserver | undefined;
  #id = 0;
  #message = 0;
  #bytes = 0;

  /**
   * Constructs a call.
   *
   * @param kind What it has in common with others.
   * @param payload The arguments, the only argument, or a chunk's items.
   * @param observer Handles the transitions of a call that was submitted and
   * counted before it was made.
   */
  constructor(kind: CallKind, payload: unknown, observer?: CallObserver) {
    super(kind, payload);
    this.#observer = observer;
  }

  /** The call's state. */
  get state(): CallState {
    return this.#state;
  }

  /** The call's id in messages to and from its worker. */
  get id(): number {
    return this.#id;
  }

  /** The number of the message that sent the call to its worker. */
  get message(): number {
    return this.#message;
  }

  /** The size of the arguments on the wire. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The streams that are arguments, and the messages, if there are any. */
  get streams(): CallStreams | undefined {
    return this.#streaming?.streams;
  }

  /** Whether the call uses one of its worker's places. */
  get hasPlace(): boolean {
    return this.#streaming === undefined ||
      this.#state !== "paused" && !this.#streaming.isStarved;
  }

  /** Whether its worker may have used its place for other calls. */
  get mayHavePaused(): boolean {
    const { account, streams } = this.#streaming ?? {};
    return account?.mayHaveWaited === true || streams?.mayHaveWaited === true;
  }

  /** Whether values that the task has yielded have arrived. */
  get hasYielded(): boolean {
    return this.#streaming?.account !== undefined;
  }

  /** Whether the call can run again without a loss or a repetition of values. */
  get isRepeatable(): boolean {
    return !this.hasYielded && this.streams?.isUsed !== true;
  }

  /** Whether the call was submitted. */
  get isSubmitted(): boolean {
    return this.#observer !== undefined;
  }

  /** Returns whether the call was submitted to an observer. */
  isObservedBy(observer: CallObserver): boolean {
    return this.#observer === observer;
  }

  /** Returns whether `owner` holds the call. */
  isWith(owner: CallOwner<Call>): boolean {
    return this.#owner === owner;
  }

  /** Passes the call to another owner; `undefined` means to none yet. */
  pass(owner: CallOwner<Call> | undefined): void {
    this.#owner = owner;
  }

  /** Submits the call: `observer` handles this and all later transitions. */
  submit(observer: CallObserver): void {
    this.#observer = observer;
    observer.moved(this, undefined, this.#state);
  }

  /** Gives streams to a call that wasn't sent. */
  attach(streams: CallStreams): void {
    this.#streaming = { streams };
  }

  /** Returns the messages to and from the task, from now on. */
  openMessages(): CallMessages {
    const known = this.streams?.messages;
    if (known !== undefined) return known;
    const messages = new CallMessages(
      undefined,
      (error) => void this.cancel(error),
    );
    if (this.#state === "settled" || this.#state === "abandoned") {
      messages.end();
      return messages;
    }
    const streaming = this.#streaming ??= {};
    streaming.streams ??= new CallStreams([]);
    streaming.streams.addMessages(messages, this.#runner?.link(this));
    return messages;
  }

  /** Marks the call as sent to a worker. */
  send(
    worker: CallRunner<Call>,
    id: number,
    message: number,
    bytes: number,
  ): void {
    this.#owner = worker;
    this.#id = id;
    this.#message = message;
    this.#bytes = bytes;
    this.#move("sent");
    if (this.#streaming !== undefined) this.#open(worker.link(this));
  }

  /**
   * Handles values that the task has yielded.
   *
   * @param bytes Their size on the wire.
   * @throws {RangeError} If the worker had no credit for them.
   */
  yielded(values: readonly unknown[], bytes: number): void {
    const streaming = this.#streaming ??= {};
    const account = streaming.account ??= openAccount(this.mode);
    account.received(values.length, bytes);
    if (this.#state !== "sent" && this.#state !== "paused") return;
    this.received(values, bytes, this);
    if (this.#state === "sent" && account.isExhausted) {
      if (!streaming.isStarved) this.#runner?.paused(this);
      this.#move("paused");
    }
  }

  /** Handles that values were read, and lets the task yield more. */
  read(values: number, bytes: number): void {
    const credit = this.#streaming?.account?.read(values, bytes);
    if (credit === undefined) return;
    if (this.#state !== "sent" && this.#state !== "paused") return;
    this.#resume();
    this.#runner?.link(this).grantOutput(credit);
  }

  /** Marks the call as one that will run again, because its task threw. */
  delay(owner: CallOwner<Call>): void {
    this.streams?.close();
    this.#owner = owner;
    this.#move("delayed");
  }

  /**
   * Marks the call as queued again: its worker is lost and can't have begun it,
   * or has given it back, or its pause is over.
   */
  requeue(): void {
    this.#owner = undefined;
    this.#move("queued");
  }

  /**
   * Cuts a chunk: its worker has given back the last items, or can't take them.
   *
   * @param kept How many items the worker keeps.
   * @param parts Into how many calls the other items should be divided.
   * @param microseconds How long the worker has been busy with the chunk.
   * @returns The calls for the other items, which weren't submitted.
   */
  cut(kept: number, parts: number, microseconds: number): Call[] {
    this.#bytes = Math.ceil(this.#bytes * kept / this.items);
    const rest = this.takeItems(kept);
    if (this.#state !== "sent" && this.#state !== "queued") return [];
    return this.givenBack(rest, parts, microseconds);
  }

  /** Marks the call as lost with its worker; it will run again. */
  lose(owner: CallOwner<Call>): void {
    this.#owner = owner;
    this.#move("requeued");
  }

  /**
   * Drops the call: its outcome won't be delivered.
   *
   * @returns Whether the call was neither settled nor abandoned before.
   */
  abandon(): boolean {
    if (this.#streaming !== undefined) {
      this.#starve(false);
      this.#resume();
    }
    const state = this.#state;
    if (state === "settled" || state === "abandoned") return false;
    const owner = this.#owner;
    if (state === "sent") {
      this.#move("abandoned");
      owner?.release(this);
    } else {
      this.drop();
      this.#owner = undefined;
      this.#state = "settled";
      owner?.release(this);
      this.#observer?.moved(this, state, "settled");
    }
    this.streams?.end();
    return true;
  }

  /**
   * Abandons the call, and delivers an error at once.
   *
   * @param attempts How many times the task ran; `undefined` if its error isn't
   * the task's.
   * @returns Whether the call was neither settled nor abandoned before.
   */
  cancel(error: unknown, attempts?: number): boolean {
    if (!this.abandon()) return false;
    this.rejected(error, undefined, attempts);
    return true;
  }

  /** Abandons the call because its twin has answered: see `isOutrun`. */
  outrun(): void {
    if (this.abandon() && this.#state === "abandoned") {
      this.#observer?.wasOutrun?.(this);
    }
  }

  /**
   * Leaves the call to its twin, because its worker is lost or won't begin it.
   *
   * @returns The call that nothing runs any more: this one if it has no twin.
   */
  leaveToTwin(): Call | undefined {
    return this;
  }

  /**
   * Delivers the task's result.
   *
   * @param value The result; for a chunk, a list with the results of all items
   * or of the first ones.
   * @param bytes The size of the result on the wire.
   * @param microseconds How long a worker was busy with the call, if known.
   */
  succeed(value: unknown, bytes: number, microseconds?: number): void {
    const state = this.#leave();
    if (state === "settled") return;
    if (state === "abandoned") this.ended();
    else this.resolved(value, bytes, microseconds);
    this.#left(state);
  }

  /**
   * Delivers the end of the values that the task has yielded.
   *
   * @param microseconds How long a worker was busy with the call, if known.
   */
  finish(microseconds?: number): void {
    const state = this.#leave();
    if (state === "settled") return;
    if (state === "abandoned") this.ended();
    else this.finished(microseconds);
    this.#left(state);
  }

  /**
   * Delivers the error that the task threw, or the reason why it can't run.
   *
   * @param before For a chunk, the results of the items before the failing one.
   * @param attempts How many times the task ran; `undefined` if it didn't throw.
   */
  fail(error: unknown, before?: unknown[], attempts?: number): void {
    const state = this.#leave();
    if (state === "settled") return;
    if (state === "abandoned") this.ended();
    else this.rejected(error, before, attempts);
    this.#left(state);
  }

  /**
   * Runs the call again after its worker was lost.
   *
   * @param submit Submits each call to run: this one, or its parts in turn.
   */
  rerun(submit: (call: Call) => void): void {
    submit(this);
  }

  /** The worker that has the call. */
  get #runner(): CallRunner<Call> | undefined {
    const hasRunner = this.#state === "sent" || this.#state === "paused" ||
      this.#state === "abandoned";
    return hasRunner ? this.#owner as CallRunner<Call> : undefined;
  }

  #open(link: StreamLink): void {
    this.streams?.open(link, {
      paused: () => this.#starve(true),
      resumed: () => this.#starve(false),
    });
  }

  /** Makes the call settled; returns its state before. */
  #leave(): CallState {
    const state = this.#state;
    if (state === "settled") return state;
    this.#state = "settled";
    this.#owner = undefined;
    if (this.#streaming !== undefined) this.#end(state, this.#streaming);
    return state;
  }

  #end(from: CallState, streaming: Streaming): void {
    if (streaming.isStarved && from === "sent") {
      this.#observer?.waits?.(this, false);
    }
    streaming.isStarved = false;
    streaming.streams?.end();
  }

  /** Comes after the delivery, which may submit a follow-up call. */
  #left(from: CallState): void {
    this.drop();
    this.#observer?.moved(this, from, "settled");
  }

  /** Makes a paused call sent again. */
  #resume(): void {
    if (this.#state !== "paused") return;
    this.#move("sent");
    if (!this.#streaming?.isStarved) this.#runner?.resumed(this);
  }

  /** Sets whether the task waits for an argument. */
  #starve(isStarved: boolean): void {
    const streaming = this.#streaming!;
    if ((streaming.isStarved ?? false) === isStarved) return;
    streaming.isStarved = isStarved;
    if (this.#state !== "sent") return;
    this.#observer?.waits?.(this, isStarved);
    if (isStarved) this.#runner?.paused(this);
    else this.#runner?.resumed(this);
  }

  #move(to: CallState): void {
    const from = this.#state;
    const isStarved = this.#streaming?.isStarved;
    if (isStarved && from === "sent") this.#observer?.waits?.(this, false);
    this.#state = to;
    this.#observer?.moved(this, from, to);
    if (isStarved && to === "sent") this.#observer?.waits?.(this, true);
  }
}
