import { assert, assertEquals, assertFalse, assertThrows } from "@std/assert";
import type { Call } from "../src/call.ts";
import { CallsInFlight } from "../src/in_flight.ts";
import { PromisedCall } from "../src/promised_call.ts";
import { QueueWindow } from "../src/queue_window.ts";
import { HostTally } from "../src/stats.ts";
import { TaskRegistry } from "../src/task_registry.ts";
import { Channel } from "../src/wire/channel.ts";
import type { Connection } from "../src/wire/connection.ts";
import { WorkerLink } from "../src/worker_link.ts";

const TASK = new TaskRegistry(() => {}).register((label: string) => label);

/** The labels of calls. */
function labels(calls: readonly Call[]): string {
  return calls.map(({ payload }) => payload[0]).join("");
}

/** Calls as they were sent: those of a word are in one message. */
class Sent {
  readonly calls: CallsInFlight;
  readonly #byLabel = new Map<string, { id: number; call: Call }>();

  constructor(concurrency: number, words: string) {
    this.calls = new CallsInFlight(concurrency);
    let id = 0;
    for (const word of words.split(" ")) {
      this.calls.beginMessage();
      for (const label of word) {
        const call = new PromisedCall<unknown>(TASK, [label], undefined);
        this.calls.add(id, call);
        this.#byLabel.set(label, { id, call });
        id++;
      }
    }
  }

  /** Has calls answered. */
  answer(labels: string): this {
    for (const label of labels) {
      const { id, call } = this.#byLabel.get(label)!;
      assert(this.calls.take(id) === call);
    }
    return this;
  }

  /** Has calls abandoned. */
  abandon(labels: string): this {
    for (const label of labels) {
      this.#byLabel.get(label)!.call.state = "abandoned";
    }
    return this;
  }

  /** What may have begun and what can't have, as the worker is lost. */
  lose(isComplete = true): [begun: string, unbegun: string] {
    const { begun, unbegun } = this.calls.takeAll(isComplete);
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
    "messages, counting the unanswered only",
    3,
    "abcd efg h",
    "abc",
    "defg",
    "h",
  ],
  ["messages, answered in any order", 2, "a b c d e", "bd", "ac", "e"],
  ["all, if fewer than the concurrency", 8, "ab c d", "", "abcd", ""],
  ["what has room after answers", 2, "ab cd ef", "ab", "cd", "ef"],
];

for (const [what, concurrency, words, answered, begun, unbegun] of CASES) {
  Deno.test(`CallsInFlight.takeAll() tells that ${what} may have begun with a concurrency of ${concurrency}`, () => {
    const sent = new Sent(concurrency, words).answer(answered);
    assertEquals(sent.lose(), [begun, unbegun]);
    assertEquals(sent.lose(), ["", ""]);
  });
}

Deno.test("CallsInFlight.takeAll() tells that all may have begun if something is missing", () => {
  const sent = new Sent(1, "abc def g").answer("a");
  assertEquals(sent.lose(false), ["bcdefg", ""]);
});

Deno.test("CallsInFlight.take() refuses what isn't there", () => {
  const sent = new Sent(1, "ab");
  assertThrows(() => sent.calls.take(2), RangeError, "no call 2");
  sent.answer("a");
  assertThrows(() => sent.calls.take(0), RangeError, "no call 0");
});

Deno.test("CallsInFlight.idOf() knows calls until they were answered", () => {
  const { calls } = new Sent(1, "ab");
  const call = new PromisedCall<unknown>(TASK, ["c"], undefined);
  assertEquals(calls.idOf(call), undefined);
  calls.add(7, call);
  assertEquals(calls.idOf(call), 7);
  calls.take(7);
  assertEquals(calls.idOf(call), undefined);
});

Deno.test("CallsInFlight.isAbandoned is whether no one waits for what may have begun", () => {
  assertFalse(new Sent(1, "").calls.isAbandoned);
  assertFalse(new Sent(1, "a b").calls.isAbandoned);
  assert(new Sent(1, "a b").abandon("a").calls.isAbandoned);
  assertFalse(new Sent(1, "a b").abandon("b").calls.isAbandoned);
  assertFalse(new Sent(1, "ab c").abandon("a").calls.isAbandoned);
  assert(new Sent(1, "ab c").abandon("a").answer("b").calls.isAbandoned);
  assertFalse(new Sent(2, "a b c").abandon("a").calls.isAbandoned);
  assert(new Sent(2, "a b c").abandon("ab").calls.isAbandoned);
});

Deno.test("CallsInFlight.firstAbandoned is the first that may have begun and was", () => {
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

/** A connection that takes everything, and ends with an error. */
class BreakingConnection implements Connection {
  readonly #broken = Promise.withResolvers<never>();

  break(error: Error): void {
    this.#broken.reject(error);
  }

  read(): Promise<number | null> {
    return this.#broken.promise;
  }

  write(bytes: Uint8Array): Promise<number> {
    return Promise.resolve(bytes.length);
  }

  close(): void {}

  unref(): void {}
}

for (const [isRemote, begun] of [[false, 1], [true, 2]] as const) {
  const place = isRemote ? "another machine" : "this machine";
  Deno.test(`WorkerLink.receive() tells what may have begun when the connection to a worker on ${place} is reset`, async () => {
    const connection = new BreakingConnection();
    const link = new WorkerLink(
      {
        name: "worker",
        tally: new HostTally("far", "spawner"),
        modules: undefined,
        isRemote,
        concurrency: 1,
        cancelGrace: 60_000,
        kill: () => {},
        end: () => Promise.resolve({ how: "signal SIGKILL", lastWords: "" }),
      },
      new Channel(connection),
      new QueueWindow(10, 1),
    );
    const received = link.receive(() => {});
    for (const label of "ab") {
      link.send(new PromisedCall<unknown>(TASK, [label], undefined));
      link.flush();
    }
    connection.break(new Deno.errors.ConnectionReset("reset"));
    const lost = await received;
    assertEquals([lost.begun.length, lost.unbegun.length], [begun, 2 - begun]);
  });
}
