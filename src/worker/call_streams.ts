import type {
  Close,
  Credit as CreditMessage,
  Grant,
  Values,
} from "../protocol/worker_messages.ts";
import { StreamNumber } from "../protocol/worker_messages.ts";
import { Credit, type CreditAmount, INPUT_CREDIT } from "../streams/credit.ts";
import { CreditAccount } from "../streams/credit_account.ts";
import { type PauseEvents, Starvation } from "../streams/starvation.ts";
import { ValueStream } from "../streams/value_stream.ts";
import { malformed } from "../codec/texts.ts";
import { AssignedResources } from "./assigned_resources.ts";
import { cancelled, DOMException } from "./primordials.ts";
import type { ResultWriter } from "./result_writer.ts";
import type { Ports } from "./task_context.ts";
import { WorkerPort } from "./worker_port.ts";

/** A stream that is an argument of a call. */
interface Input {
  readonly stream: ValueStream;
  readonly account: CreditAccount;
  /** Whether its reader waits for a value. */
  isStarved: boolean;
}

/** The streams of one call. */
interface Streams {
  inputs: readonly Input[];
  port: WorkerPort | undefined;
  output: Credit | undefined;
  /** Detects that the task waits for its arguments. */
  starvation: Starvation | undefined;
  /** For how many reasons the task waits, and others may use its place. */
  pauses: number;
}

/**
 * What belongs to the calls in a worker until they end: the streams of their
 * results, arguments and messages, and their resources.
 */
export class CallStreams implements Ports {
  readonly #results: ResultWriter;
  readonly #events: PauseEvents;
  readonly #calls = new Map<number, Streams>();
  /** What the calls may use of the machine. */
  readonly assigned = new AssignedResources();

  /** Constructs a table without streams. */
  constructor(results: ResultWriter, events: PauseEvents) {
    this.#results = results;
    this.#events = events;
  }

  resources(id: number): Grant {
    return this.assigned.get(id);
  }

  /** Makes the streams that are arguments of a call. */
  openInputs(id: number, count: number): ReadableStream<unknown>[] {
    const call = this.#of(id);
    const starvation = new Starvation({
      paused: () => this.#pause(call),
      resumed: () => this.#resume(call),
    });
    const inputs: Input[] = [];
    for (let index = 0; index < count; index++) {
      const number = StreamNumber.FIRST_INPUT + index;
      inputs.push(this.#makeInput(id, number, starvation));
    }
    call.inputs = inputs;
    call.starvation = starvation;
    return inputs.map(({ stream }) => stream.readable);
  }

  /** Opens the stream of a call's results, and returns its credit. */
  openOutput(id: number, credit: CreditAmount): Credit {
    return this.#of(id).output = new Credit(credit);
  }

  /** Lets others use the place of a call until it is resumed. */
  pause(id: number): void {
    this.#pause(this.#of(id));
  }

  /** Undoes {@linkcode CallStreams.pause}. */
  resume(id: number): void {
    this.#resume(this.#of(id));
  }

  /** Returns the port of a call; opens it at the first time. */
  port(id: number): WorkerPort {
    const results = this.#results;
    const { PORT } = StreamNumber;
    return this.#of(id).port ??= new WorkerPort({
      write: (message) => results.streamValue(id, PORT, message, "message"),
      send: () => {
        if (results.isFull) return results.drained();
        results.flush();
        return undefined;
      },
      grant: (credit) => results.grant(id, PORT, credit),
    });
  }

  /** Receives values; ignores those of calls that have ended. */
  receive([, id, number, values]: Values, bytes: number): void {
    const call = this.#calls.get(id);
    if (call === undefined) return;
    if (number === StreamNumber.PORT) {
      if (call.port !== undefined) WorkerPort.receive(call.port, values, bytes);
      return;
    }
    const input = call.inputs[number - StreamNumber.FIRST_INPUT];
    if (input === undefined) throw malformed(`a call has no stream ${number}`);
    input.account.received(values.length, bytes);
    feed(call, input);
    input.stream.push(values, bytes);
  }

  /** Adds credit for values that the worker sends. */
  grant([, id, number, values, bytes]: CreditMessage): void {
    const call = this.#calls.get(id);
    if (number === StreamNumber.OUTPUT) call?.output?.grant({ values, bytes });
    if (number !== StreamNumber.PORT || call?.port === undefined) return;
    WorkerPort.grant(call.port, { values, bytes });
  }

  /** Ends a stream that is an argument. */
  close([, id, number, errors]: Close): void {
    const call = this.#calls.get(id);
    const input = call?.inputs[number - StreamNumber.FIRST_INPUT];
    if (call === undefined || input === undefined) return;
    feed(call, input);
    if (errors.length > 0) input.stream.fail(errors[0]);
    else input.stream.end();
  }

  /** Wakes a call that waits for its streams, because it was aborted. */
  abort(id: number): void {
    const call = this.#calls.get(id);
    if (call === undefined) return;
    call.output?.cancel();
    if (call.port !== undefined) WorkerPort.close(call.port);
    call.starvation?.close();
    for (const { stream } of call.inputs) stream.abort(cancelled());
  }

  /** Wakes all calls that wait for their streams. */
  abortAll(): void {
    for (const id of [...this.#calls.keys()]) this.abort(id);
  }

  /** Ends the streams of a call that was answered. */
  end(id: number): void {
    this.assigned.delete(id);
    if (this.#calls.size === 0) return;
    const call = this.#calls.get(id);
    if (call === undefined) return;
    this.#calls.delete(id);
    if (call.port !== undefined) WorkerPort.close(call.port);
    call.starvation?.close();
    const reason = new DOMException("The task has ended", "AbortError");
    for (const { stream } of call.inputs) stream.abort(reason);
  }

  #of(id: number): Streams {
    let streams = this.#calls.get(id);
    if (streams === undefined) {
      streams = {
        inputs: [],
        port: undefined,
        output: undefined,
        starvation: undefined,
        pauses: 0,
      };
      this.#calls.set(id, streams);
    }
    return streams;
  }

  #pause(call: Streams): void {
    if (call.pauses++ === 0) this.#events.paused();
  }

  #resume(call: Streams): void {
    if (--call.pauses === 0) this.#events.resumed();
  }

  #makeInput(id: number, number: number, starvation: Starvation): Input {
    const results = this.#results;
    const account = new CreditAccount(INPUT_CREDIT);
    let isAsked = false;
    const stream = new ValueStream({
      starved: () => {
        // Nothing is sent before the first read, so a call that hasn't begun can
        // move to another worker.
        const grant = isAsked ? account.grant() : INPUT_CREDIT;
        isAsked = true;
        // The pool must know that everything was read, and the task waits.
        if (grant.values > 0) results.grant(id, number, grant);
        input.isStarved = true;
        starvation.begin();
      },
      read: (values, bytes) => {
        const grant = account.read(values, bytes);
        if (grant !== undefined) results.grant(id, number, grant);
      },
      cancelled: (reason) => results.stop(id, number, reason),
    });
    const input: Input = { stream, account, isStarved: false };
    return input;
  }
}

/** Marks an input as one that doesn't starve. */
function feed(call: Streams, input: Input): void {
  if (!input.isStarved) return;
  input.isStarved = false;
  call.starvation?.end();
}
