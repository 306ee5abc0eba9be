import { assert, assertEquals, assertFalse, assertThrows } from "@std/assert";
import type { Call } from "../../src/calls/call.ts";
import { CallsInFlight } from "../../src/scheduling/calls_in_flight.ts";
import { CallKind } from "../../src/calls/call_kind.ts";
import { PromisedCall } from "../../src/calls/promised_call.ts";
import { PrefetchWindow } from "../../src/scheduling/prefetch_window.ts";
import { HostTally } from "../../src/scheduling/host_tally.ts";
import { TaskRegistry } from "../../src/tasks/task_registry.ts";
import { WorkerProcess } from "../../src/spawner/worker_process.ts";
import { Channel } from "../../src/transport/channel.ts";
import type { Connection } from "../../src/transport/connection.ts";
import { WorkerHandle } from "../../src/scheduling/worker_handle.ts";
import type { LostWorker } from "../../src/scheduling/worker_events.ts";
import { RUNNER, settled } from "../helpers/fake_worker.ts";

const TASK = new TaskRegistry(() => {}).register((label: string) => label);
const KIND = new CallKind(TASK);

/** Returns the labels of calls. */
function labels(calls: readonly Call[]): string {
  return calls.map(({ payload }) => payload[0]).join("");
}

/** Calls in flight: each word is a message, each letter a call. */
class Sent {
  readonly calls: CallsInFlight;
  readonly #byLabel = new Map<string, { id: number; call: Call }>();

  constructor(concurrency: number, words: string) {
    this.calls = new CallsInFlight(concurrency);
    let id = 0;
    for (const [message, word] of words.split(" ").entries()) {
      for (const label of word) {
        const call = new PromisedCall<unknown>(KIND, [label], undefined);
        call.send(RUNNER, id, message, 0);
        this.calls.add(call);
        this.#byLabel.set(label, { id, call });
        id++;
      }
    }
  }

  /** Answers calls. */
  answer(labels: string): this {
    for (const label of labels) {
      const { id, call } = this.#byLabel.get(label)!;
      assert(this.calls.take(id) === call);
    }
    return this;
  }

  /** Abandons calls. */
  abandon(labels: string): this {
    for (const label of labels) {
      this.#byLabel.get(label)!.call.abandon();
    }
    return this;
  }

  /** Loses the worker, and returns the begun and the unbegun calls. */
  lose(
    isComplete = true,
    isLeaving?: (message: number) => boolean,
  ): [begun: string, unbegun: string] {
    const { begun, unbegun } = this.calls.takeAll(isComplete, isLeaving);
    return [labels(begun), labels(unbegun)];
  }
}

const CASES: [
  what: string,
  concurrency: number,
  words: string,
  answered: string,
  begun: string,
  unbegun: string,
][] = [
  ["nothing of nothing", 1, "", "", "", ""],
  ["the first message", 1, "abc def g", "", "abc", "defg"],
  ["what is left of the first message", 1, "abc def g", "ab", "c", "defg"],
  ["the next message after an answered one", 1, "abc def g", "abc", "def", "g"],
  ["the last message", 1, "abc def g", "abcdef", "g", ""],
  ["nothing of what was answered", 1, "abc", "abc", "", ""],
  ["a message of one call", 1, "a b c", "", "a", "bc"],
  ["messages until as many as the concurrency", 2, "a b c d", "", "ab", "cd"],
  ["all of a message that begins within it", 2, "a bcd e", "", "abcd", "e"],
  ["one message that is longer than it", 3, "abcd efg", "", "abcd", "efg"],
  [
    "messages, counting only unanswered calls,",
    3,
    "abcd efg h",
    "abc",
    "defg",
    "h",
  ],
  ["messages, answered in any order", 2, "a b c d e", "bd", "ac", "e"],
  ["all, if fewer than the concurrency", 8, "ab c d", "", "abcd", ""],
  ["the calls that can begin after answers", 2, "ab cd ef", "ab", "cd", "ef"],
];

for (const [what, concurrency, words, answered, begun, unbegun] of CASES) {
  Deno.test(`CallsInFlight.takeAll() returns ${what} as begun with a concurrency of ${concurrency}`, () => {
    const sent = new Sent(concurrency, words).answer(answered);
    assertEquals(sent.lose(), [begun, unbegun]);
    assertEquals(sent.lose(), ["", ""]);
  });
}

const OVERTAKEN: [
  what: string,
  concurrency: number,
  overtaken: number[],
  begun: string,
][] = [
  ["a call that has passed a large one", 1, [0], "ab"],
  ["a call that has passed two large ones", 1, [0, 1], "abc"],
  ["as many calls as it runs besides a large one", 2, [0], "abc"],
  ["no call behind those that arrive in order", 1, [1], "a"],
];

for (const [what, concurrency, overtaken, begun] of OVERTAKEN) {
  Deno.test(`CallsInFlight.takeAll() returns ${what} as begun with a concurrency of ${concurrency}`, () => {
    const sent = new Sent(concurrency, "a b c d");
    for (const message of overtaken) sent.calls.overtaken(message);
    assertEquals(sent.lose(), [begun, "abcd".slice(begun.length)]);
  });
}

Deno.test("CallsInFlight.overtaken() counts the calls of later messages", () => {
  const sent = new Sent(1, "a b c d e");
  sent.calls.overtaken(0);
  sent.calls.overtaken(0);
  sent.answer("ab");
  sent.calls.overtaken(3);
  assertEquals(sent.lose(), ["c", "de"]);
});

Deno.test("CallsInFlight.takeAll() returns the calls of messages that are leaving as unbegun", () => {
  const sent = new Sent(1, "a b c d");
  sent.calls.overtaken(0);
  sent.calls.overtaken(1);
  assertEquals(sent.lose(true, (message) => message === 0), ["bc", "ad"]);
});

Deno.test("CallsInFlight.takeAll() returns all calls as begun if results may be missing", () => {
  const sent = new Sent(1, "abc def g").answer("a");
  assertEquals(sent.lose(false), ["bcdefg", ""]);
});

Deno.test("CallsInFlight.take() throws if no call has the id", () => {
  const sent = new Sent(1, "ab");
  assertThrows(() => sent.calls.take(2), RangeError, "no call 2");
  sent.answer("a");
  assertThrows(() => sent.calls.take(0), RangeError, "no call 0");
});

Deno.test("CallsInFlight throws at the ids of results that continue after the last id", () => {
  const { calls } = new Sent(1, "ab");
  for (const id of [2 ** 32, 2 ** 32 + 1]) {
    const message = `no call ${id} is in flight`;
    assertThrows(() => calls.expect(id), RangeError, message);
    assertThrows(() => calls.expectUnbegun(id), RangeError, message);
    assertThrows(() => calls.take(id), RangeError, message);
  }
});

Deno.test("CallsInFlight.has() returns true until a call is answered", () => {
  const { calls } = new Sent(1, "ab");
  const call = new PromisedCall<unknown>(KIND, ["c"], undefined);
  call.send(RUNNER, 7, 1, 0);
  assertFalse(calls.has(call));
  calls.add(call);
  assert(calls.has(call));
  calls.take(7);
  assertFalse(calls.has(call));
});

Deno.test("CallsInFlight.isAbandoned is true if all calls that may have begun were abandoned", () => {
  assertFalse(new Sent(1, "").calls.isAbandoned);
  assertFalse(new Sent(1, "a b").calls.isAbandoned);
  assert(new Sent(1, "a b").abandon("a").calls.isAbandoned);
  assertFalse(new Sent(1, "a b").abandon("b").calls.isAbandoned);
  assertFalse(new Sent(1, "ab c").abandon("a").calls.isAbandoned);
  assert(new Sent(1, "ab c").abandon("a").answer("b").calls.isAbandoned);
  assertFalse(new Sent(2, "a b c").abandon("a").calls.isAbandoned);
  assert(new Sent(2, "a b c").abandon("ab").calls.isAbandoned);
});

Deno.test("CallsInFlight.firstAbandoned is the first abandoned call that may have begun", () => {
  assertEquals(new Sent(1, "a b").calls.firstAbandoned, undefined);
  assertEquals(
    new Sent(1, "a b").abandon("b").calls.firstAbandoned,
    undefined,
  );
  const { calls } = new Sent(1, "abc d").abandon("bc");
  assertEquals(calls.firstAbandoned?.payload, ["b"]);
  calls.take(1);
  assertEquals(calls.firstAbandoned?.payload, ["c"]);
});

/** A connection that accepts all writes until the test ends it. */
class BreakingConnection implements Connection {
  #next = Promise.withResolvers<Uint8Array | null>();
  #writeError: Error | undefined;
  /** Settles when writes may end. */
  held: Promise<void> = Promise.resolve();

  /** Delivers bytes to the reader. */
  bring(bytes: Uint8Array): void {
    const { resolve } = this.#next;
    this.#next = Promise.withResolvers();
    resolve(bytes);
  }

  /** Ends the connection. */
  end(): void {
    this.#next.resolve(null);
  }

  /** Breaks the connection. As with sockets, only one side gets the error. */
  async break(
    error: Error,
    told: "reader" | "writer",
    handle: WorkerHandle,
  ): Promise<void> {
    if (told === "reader") return this.#next.reject(error);
    this.#writeError = error;
    handle.forget(TASK.id);
    await settled();
    this.end();
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    const bytes = await this.#next.promise;
    if (bytes !== null) buffer.set(bytes);
    return bytes?.length ?? null;
  }

  async write(bytes: Uint8Array): Promise<number> {
    await this.held;
    if (this.#writeError !== undefined) throw this.#writeError;
    return bytes.length;
  }

  close(): void {}

  unref(): void {}
}

/** A worker with calls in separate messages. */
class Breaking {
  readonly connection = new BreakingConnection();
  readonly handle: WorkerHandle;
  readonly #received: Promise<LostWorker>;

  constructor(overTcp: boolean, cancelGrace = 60_000, labels = "ab") {
    this.handle = new WorkerHandle(
      {
        process: new WorkerProcess(
          "worker",
          Promise.resolve({ exitStatus: "signal SIGKILL", stderrTail: "" }),
          () => this.#killed.resolve(),
        ),
        tally: new HostTally("far"),
        modules: undefined,
        overTcp,
        concurrency: 1,
        cancelGrace,
      },
      new Channel(this.connection),
      new PrefetchWindow(9, 1),
    );
    this.#received = this.handle.receive({ changed() {} });
    for (const label of labels) {
      const call = new PromisedCall<unknown>(KIND, [label], undefined);
      this.calls.push(call);
      this.handle.send(call);
      this.handle.flush();
    }
  }

  readonly calls: PromisedCall<unknown>[] = [];
  readonly #killed = Promise.withResolvers<void>();

  /** Resolves when the pool kills the worker. */
  get killed(): Promise<void> {
    return this.#killed.promise;
  }

  /** Returns the numbers of begun and unbegun calls. */
  async counts(): Promise<[begun: number, unbegun: number]> {
    const { begun, unbegun } = await this.#received;
    return [begun.length, unbegun.length];
  }
}

const reset = () => new Deno.errors.ConnectionReset("reset");

for (const told of ["reader", "writer"] as const) {
  Deno.test(`WorkerHandle.receive() returns calls as unbegun when the ${told} of a Unix socket notices a reset`, async () => {
    const worker = new Breaking(false);
    await worker.connection.break(reset(), told, worker.handle);
    assertEquals(await worker.counts(), [1, 1]);
  });

  Deno.test(`WorkerHandle.receive() returns all calls as begun when the ${told} of a TCP connection notices a reset`, async () => {
    const worker = new Breaking(true);
    await worker.connection.break(reset(), told, worker.handle);
    assertEquals(await worker.counts(), [2, 0]);
  });
}

Deno.test("WorkerHandle.receive() returns calls as unbegun when a TCP connection ends normally", async () => {
  const worker = new Breaking(true);
  worker.connection.end();
  assertEquals(await worker.counts(), [1, 1]);
});

for (const [partly, begun] of [[false, 1], [true, 2]] as const) {
  const what = partly
    ? "that has sent a part of an answer"
    : "that has sent no answer";
  Deno.test(`WorkerHandle.receive() returns the begun calls of a killed TCP worker ${what}`, async () => {
    const worker = new Breaking(true, 1);
    if (partly) worker.connection.bring(new Uint8Array([0, 0, 1, 0, 5]));
    await settled();
    worker.calls[0]!.abandon();
    await worker.killed;
    await worker.connection.break(reset(), "reader", worker.handle);
    assertEquals(await worker.counts(), [begun, 2 - begun]);
  });
}

for (const [hasLeft, begun] of [[false, 2], [true, 1]] as const) {
  const what = hasLeft ? "that had left" : "that others may have passed";
  Deno.test(`WorkerHandle.receive() returns the begun calls behind a large one ${what}`, async () => {
    const worker = new Breaking(false, 60_000, "");
    const { promise, resolve } = Promise.withResolvers<void>();
    if (!hasLeft) worker.connection.held = promise;
    for (const label of [new Uint8Array(2 ** 20), "small", "small"]) {
      worker.handle.send(new PromisedCall<unknown>(KIND, [label], undefined));
      worker.handle.flush();
      await settled();
    }
    worker.connection.end();
    resolve();
    assertEquals(await worker.counts(), [begun, 3 - begun]);
  });
}
