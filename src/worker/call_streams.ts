import type {
  Close,
  Credit as Grant,
  Values,
} from "../protocol/worker_messages.ts";
import { StreamNumber } from "../protocol/worker_messages.ts";
import { Credit, type CreditAmount, STREAM_CREDIT } from "../streams/credit.ts";
import { CreditAccount } from "../streams/credit_account.ts";
import { ValueStream } from "../streams/value_stream.ts";
import { DOMException } from "./primordials.ts";
import type { ResultWriter } from "./result_writer.ts";
import type { Ports } from "./task_context.ts";
import { WorkerPort } from "./worker_port.ts";

/** A stream that is an argument of a call. */
interface Input {
  readonly stream: ValueStream;
  readonly account: CreditAccount;
}

/** The streams of one call. */
interface Streams {
  inputs: readonly Input[];
  port: WorkerPort | undefined;
  output: Credit | undefined;
}

/** The streams of all calls in a worker: results, arguments and messages. */
export class CallStreams implements Ports {
  readonly #results: ResultWriter;
  readonly #calls = new Map<number, Streams>();

  /** Constructs a table without streams. */
  constructor(results: ResultWriter) {
    this.#results = results;
  }

  /** Makes the streams that are arguments of a call. */
  openInputs(id: number, count: number): ReadableStream<unknown>[] {
    const inputs: Input[] = [];
    for (let index = 0; index < count; index++) {
      inputs.push(this.#makeInput(id, StreamNumber.FIRST_INPUT + index));
    }
    this.#of(id).inputs = inputs;
    return inputs.map(({ stream }) => stream.readable);
  }

  /** Opens the stream of a call's results, and returns its credit. */
  openOutput(id: number, credit: CreditAmount): Credit {
    return this.#of(id).output = new Credit(credit);
  }

  /** Returns the port of a call; opens it at the first time. */
  port(id: number): WorkerPort {
    const results = this.#results;
    const { PORT } = StreamNumber;
    return this.#of(id).port ??= new WorkerPort({
      send: (message) => {
        const bytes = results.streamValue(id, PORT, message, "message");
        results.flush();
        return bytes;
      },
      drained: () => results.isFull ? results.drained() : undefined,
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
    input?.account.received(values.length, bytes);
    input?.stream.push(values, bytes);
  }

  /** Adds credit for values that the worker sends. */
  grant([, id, number, values, bytes]: Grant): void {
    const call = this.#calls.get(id);
    if (number === StreamNumber.OUTPUT) call?.output?.grant({ values, bytes });
    if (number !== StreamNumber.PORT || call?.port === undefined) return;
    WorkerPort.grant(call.port, { values, bytes });
  }

  /** Ends a stream that is an argument. */
  close([, id, number, errors]: Close): void {
    const { stream } = this.#calls.get(id)
      ?.inputs[number - StreamNumber.FIRST_INPUT] ?? {};
    if (errors.length > 0) stream?.fail(errors[0]);
    else stream?.end();
  }

  /** Wakes a call that waits for credit or messages, because it was aborted. */
  abort(id: number): void {
    const call = this.#calls.get(id);
    call?.output?.cancel();
    if (call?.port !== undefined) WorkerPort.close(call.port);
  }

  /** Ends the streams of a call that was answered. */
  end(id: number): void {
    if (this.#calls.size === 0) return;
    const call = this.#calls.get(id);
    if (call === undefined) return;
    this.#calls.delete(id);
    if (call.port !== undefined) WorkerPort.close(call.port);
    const reason = new DOMException("The task has ended", "AbortError");
    for (const { stream } of call.inputs) stream.abort(reason);
  }

  #of(id: number): Streams {
    let streams = this.#calls.get(id);
    if (streams === undefined) {
      streams = { inputs: [], port: undefined, output: undefined };
      this.#calls.set(id, streams);
    }
    return streams;
  }

  #makeInput(id: number, number: number): Input {
    const results = this.#results;
    const account = new CreditAccount(STREAM_CREDIT);
    let isAsked = false;
    const stream = new ValueStream({
      starved: () => {
        // Nothing is sent before the first read, so a call that hasn't begun can
        // move to another worker.
        if (!isAsked) results.grant(id, number, STREAM_CREDIT);
        isAsked = true;
      },
      read: (values, bytes) => {
        const grant = account.read(values, bytes);
        if (grant !== undefined) results.grant(id, number, grant);
      },
      cancelled: (reason) => results.stop(id, number, reason),
    });
    return { stream, account };
  }
}
