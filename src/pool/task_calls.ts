import { isStream, takeStreams } from "../calls/argument_stream.ts";
import { BarrierCall } from "../calls/barrier_call.ts";
import { CallKind, CallKinds, type CallTerms } from "../calls/call_kind.ts";
import { CallStreams } from "../calls/call_streams.ts";
import type { CallerTrace } from "../calls/caller_trace.ts";
import { PromisedCall } from "../calls/promised_call.ts";
import { StreamCall } from "../calls/stream_call.ts";
import { type Resolve, UnobservedCall } from "../calls/unobserved_call.ts";
import { watchLimits } from "../calls/watch_limits.ts";
import type { CallSettings } from "../options/call_settings.ts";
import { callTerms, keyedTerms } from "./call_terms.ts";
import type { KeyedTerms } from "../calls/keyed_terms.ts";
import { placementOf } from "./placement_of.ts";
import type { AnyTask } from "../tasks/task.ts";
import type { RegisteredTask } from "../tasks/task_registry.ts";
import type { Engine } from "./engine.ts";

/** The most pending calls for which a pool records whether they are awaited. */
const MAX_OBSERVED = 64;

/** The most pending calls that are made at once, since workers may take them. */
const MAX_MADE = 8_192;

/** A method of the program's that makes a call; a trace begins above it. */
type Method = (...args: never[]) => unknown;

/** Makes and submits calls of tasks, with the options of a `TaskRunner`. */
export class TaskCalls {
  readonly #engine: Engine;
  readonly #options: CallSettings;
  readonly #terms: CallTerms;
  /** The terms of calls whose arguments decide their keys. */
  readonly #keyed: KeyedTerms | undefined;
  readonly #kinds = new CallKinds();
  readonly #isLimited: boolean;
  /** Returns the number of the next call, if calls have numbers. */
  readonly #nextNumber: (() => number) | undefined;
  /** Whether nothing but their promises may follow calls of `run()`. */
  readonly #isPlain: boolean;

  /** Constructs the calls of a pool with these options. */
  constructor(engine: Engine, options: CallSettings) {
    this.#engine = engine;
    this.#options = options;
    this.#terms = callTerms(options, engine);
    this.#keyed = keyedTerms(options, this.#terms);
    const { timeout, signal, onMessage, key, seed } = options;
    this.#isLimited = timeout !== undefined || signal !== undefined;
    if (seed !== undefined) this.#nextNumber = counter();
    else if (engine.outputCalls) this.#nextNumber = () => engine.nextNumber();
    this.#isPlain = !this.#isLimited && onMessage === undefined &&
      this.#nextNumber === undefined && key === undefined &&
      this.#terms.priority === undefined && engine.maxQueue === Infinity;
  }

  /** Submits a call, and returns a promise of its outcome. */
  run(method: Method, task: AnyTask, ...args: unknown[]): Promise<unknown> {
    const registered = this.#engine.tasks.register(task);
    const trace = this.#engine.tracer.trace(method);
    const isUnobserved = args.length === 1 && trace === undefined &&
      this.#isPlain && !isStream(args[0]) &&
      this.#engine.scheduler.pending >= MAX_OBSERVED;
    // V8 makes no array of the arguments if they are only used like this.
    return isUnobserved
      ? this.#submitUnobserved(registered, args[0])
      : this.#call(registered, trace, ...args).promise;
  }

  /** Submits a call. */
  submit(
    method: Method,
    task: AnyTask,
    ...args: unknown[]
  ): PromisedCall<unknown> {
    const registered = this.#engine.tasks.register(task);
    const trace = this.#engine.tracer.trace(method);
    return this.#call(registered, trace, ...args);
  }

  /** Submits a call whose values are streamed. */
  stream(
    trace: CallerTrace,
    task: AnyTask,
    args: unknown[],
  ): StreamCall {
    const registered = this.#engine.tasks.register(task);
    const terms = this.#keyed?.of(args) ?? this.#terms;
    const streams = takeStreams(args);
    const kind = new CallKind(registered, this.#ownTerms(terms));
    const call = new StreamCall(kind, args, trace);
    if (streams !== undefined) call.attach(new CallStreams(streams));
    this.#submit(call);
    return call;
  }

  /** Submits a call for each worker, and returns a promise of their results. */
  runOnAll(
    trace: CallerTrace,
    task: AnyTask,
    args: readonly unknown[],
  ): Promise<unknown[]> {
    const registered = this.#engine.tasks.register(task);
    const { signal, onMessage } = this.#options;
    const { preface } = this.#terms;
    const placement = placementOf(this.#options);
    if (signal?.aborted) return Promise.reject(signal.reason);
    const { scheduler } = this.#engine;
    const terms = { placement, retries: 0, group: {}, pinned: true, preface };
    const calls: BarrierCall[] = [];
    const makeCall = () => {
      const kind = new CallKind(registered, this.#numbered(terms));
      const call = new BarrierCall(kind, args, trace, () => results);
      if (onMessage !== undefined) call.openMessages().listen(onMessage);
      calls.push(call);
      return call;
    };
    this.#engine.start();
    const end = (reason: unknown) => {
      scheduler.withdraw(makeCall, reason);
      for (const call of calls) call.abort(reason);
    };
    const unwatch = this.#isLimited
      ? watchLimits(this.#options, end, trace)
      : undefined;
    const results = scheduler.submitToAll(
      makeCall,
      placement,
      registered.name,
      unwatch,
    );
    return results;
  }

  /** Submits a call with one argument that only its promise follows. */
  #submitUnobserved(task: RegisteredTask, argument: unknown): Promise<unknown> {
    const { scheduler } = this.#engine;
    const kind = this.#kinds.of(task, this.#terms, true);
    this.#engine.start();
    const promise = new Promise<unknown>(takeResolve);
    if (scheduler.pending < MAX_MADE) {
      scheduler.submit(new UnobservedCall(kind, argument, taken));
    } else scheduler.submitUnmade(kind, argument, taken);
    return promise;
  }

  #call(
    task: RegisteredTask,
    trace: CallerTrace | undefined,
    ...args: unknown[]
  ): PromisedCall<unknown> {
    const common = this.#keyed?.of(args) ?? this.#terms;
    const streams = takeStreams(args);
    // Ending a call that takes too long must not fail others in its message.
    const terms = this.#isLimited
      ? this.#ownTerms(common)
      : this.#numbered(common);
    const isUnary = args.length === 1 && streams === undefined;
    const call = new PromisedCall<unknown>(
      this.#kinds.of(task, terms, isUnary),
      isUnary ? args[0] : args,
      trace,
      this.#engine.scheduler.pending < MAX_OBSERVED,
    );
    if (streams !== undefined) call.attach(new CallStreams(streams));
    this.#submit(call);
    return call;
  }

  /** Returns terms for a call that shares no message with others. */
  #ownTerms(terms: CallTerms): CallTerms {
    return this.#numbered({ ...terms, group: {} });
  }

  /** Returns terms for the next call, with its number if it has one. */
  #numbered(terms: CallTerms): CallTerms {
    if (this.#nextNumber === undefined) return terms;
    return { ...terms, number: this.#nextNumber() };
  }

  #submit(call: PromisedCall<unknown> | StreamCall): void {
    const { signal, onMessage } = this.#options;
    if (onMessage !== undefined) call.openMessages().listen(onMessage);
    if (signal?.aborted) {
      call.abort(signal.reason);
      return;
    }
    this.#engine.start();
    if (this.#isLimited) {
      const end = (reason: unknown) => this.#end(call, reason);
      call.whenSettled(watchLimits(this.#options, end));
    }
    this.#engine.scheduler.admit(call);
  }

  #end(call: PromisedCall<unknown> | StreamCall, reason: unknown): void {
    // The reason of the user's signal is thrown unchanged.
    if (reason === this.#options.signal?.reason) call.abort(reason);
    else call.cancel(reason);
  }
}

/** The function that resolves the last promise of {@linkcode takeResolve}. */
let taken: Resolve;

/** The executor of promises: a function for each of them would be garbage. */
function takeResolve(resolve: Resolve): void {
  taken = resolve;
}

/** Returns a function that counts from 0. */
function counter(): () => number {
  let next = 0;
  return () => next++;
}
