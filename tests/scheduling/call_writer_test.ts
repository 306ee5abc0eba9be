import {
  assertEquals,
  assertGreater,
  assertLess,
  assertThrows,
} from "@std/assert";
import { MessageType } from "../../src/protocol/worker_messages.ts";
import {
  CallWriter,
  type CallWriterEvents,
} from "../../src/scheduling/call_writer.ts";
import type { CallPreface } from "../../src/calls/call_preface.ts";
import { CallKind } from "../../src/calls/call_kind.ts";
import { bind } from "../../src/tasks/bind.ts";
import { PromisedCall } from "../../src/calls/promised_call.ts";
import {
  type RegisteredTask,
  TaskRegistry,
} from "../../src/tasks/task_registry.ts";
import { Channel } from "../../src/transport/channel.ts";
import { call } from "../helpers/fake_worker.ts";
import { SlowConnection } from "../helpers/slow_connection.ts";

const { CALLS, CANCEL, CLOSE, CREDIT, DEFINE, FORGET, VALUES } = MessageType;
const { NUMBERED, WATCH } = MessageType;

const EVENTS: CallWriterEvents = { defined: () => {}, overtaken: () => {} };

/** The type of each message, and its list. */
async function listsOf(connection: SlowConnection): Promise<unknown[]> {
  const messages = await connection.messages();
  return messages.filter(([type]) => type !== DEFINE)
    .map((message) => [message[0], message.at(-1)]);
}

Deno.test("CallWriter goes on after a flush that was due has ended its list", async () => {
  const connection = new SlowConnection();
  const writer = new CallWriter(new Channel(connection), undefined, EVENTS);
  writer.writeValue(0, 2, "a");
  writer.flush();
  writer.writeValue(0, 2, "b");
  writer.flush();
  // This list is open when the first write ends, and the second one begins.
  writer.writeValue(0, 2, "c");
  await connection.open();
  writer.writeValue(0, 2, "d");
  writer.flush();
  await connection.open();
  await connection.open();
  assertEquals(await listsOf(connection), [
    [VALUES, ["a"]],
    [VALUES, ["b"]],
    [VALUES, ["c"]],
    [VALUES, ["d"]],
  ]);
});

Deno.test("CallWriter keeps calls and values of streams in messages of their own", async () => {
  const connection = new SlowConnection();
  const writer = new CallWriter(new Channel(connection), undefined, EVENTS);
  writer.write(call(1));
  writer.write(call(2));
  writer.writeValue(0, 2, "a");
  writer.writeValue(0, 2, "b");
  writer.writeValue(0, 3, "c");
  assertThrows(
    () => writer.writeValue(0, 3, () => {}),
    DOMException,
    "value is a function",
  );
  writer.writeValue(0, 3, "d");
  writer.write(call(3));
  writer.writeValue(1, 3, "e");
  writer.flush();
  await connection.open();
  assertEquals(await listsOf(connection), [
    [CALLS, [[1], [2]]],
    [VALUES, ["a", "b"]],
    [VALUES, ["c"]],
    [VALUES, ["d"]],
    [CALLS, [[3]]],
    [VALUES, ["e"]],
  ]);
});

Deno.test("CallWriter.cancel() doesn't wait until a large call is sent", async () => {
  const connection = new SlowConnection();
  const writer = new CallWriter(new Channel(connection), undefined, EVENTS);
  writer.write(call(1));
  writer.flush();
  await connection.open();
  writer.write(call(new Uint8Array(1_000_000)));
  writer.flush();
  writer.cancel(0);
  writer.post([CREDIT, 0, 0, 1, 1]);
  for (let turn = 0; turn < 20; turn++) await connection.open();
  const types = (await connection.messages()).map(([type]) => type);
  assertEquals(types, [DEFINE, CALLS, CANCEL, CREDIT, CALLS, CANCEL]);
});

Deno.test("CallWriter.cancel() sends one message when no large call is being sent", async () => {
  const connection = new SlowConnection();
  const writer = new CallWriter(new Channel(connection), undefined, EVENTS);
  writer.write(call(1));
  writer.flush();
  writer.cancel(0);
  writer.post([CREDIT, 0, 0, 1, 1]);
  for (let turn = 0; turn < 3; turn++) await connection.open();
  const types = (await connection.messages()).map(([type]) => type);
  assertEquals(types, [DEFINE, CALLS, CANCEL, CREDIT]);
});

/** An argument that makes its message large. */
const LARGE = new Uint8Array(1_000_000);

const REGISTRY = new TaskRegistry(() => {});
const PLAIN = REGISTRY.register((...args: unknown[]) => args);
const BOUND = REGISTRY.register(
  bind((...args: unknown[]) => args.length, LARGE),
);
const TWICE_BOUND = REGISTRY.register(
  bind(bind((...args: unknown[]) => args[0], LARGE), 1),
);

function callOf(
  task: RegisteredTask,
  ...args: unknown[]
): PromisedCall<unknown> {
  return new PromisedCall<unknown>(new CallKind(task), args, undefined);
}

/**
 * Returns the type of each message, and its task, call or list, as they arrive.
 */
async function arrivals(
  act: (writer: CallWriter) => void,
  events = EVENTS,
): Promise<unknown[][]> {
  const connection = new SlowConnection();
  const writer = new CallWriter(new Channel(connection), undefined, events);
  act(writer);
  writer.flush();
  for (let turn = 0; turn < 60; turn++) await connection.open();
  const messages = await connection.messages();
  return messages.map((message) => [
    message[0],
    message[0] === CALLS || message[0] === VALUES
      ? (message.at(-1) as unknown[]).map(nameOf)
      : message[1],
  ]);
}

function nameOf(value: unknown): unknown {
  if (Array.isArray(value)) return nameOf(value[0]);
  return value instanceof Uint8Array ? "large" : value;
}

Deno.test("CallWriter sends small calls before a large one", async () => {
  const arrived = await arrivals((writer) => {
    writer.write(callOf(PLAIN, LARGE));
    writer.flush();
    writer.write(callOf(PLAIN, "a"));
    writer.flush();
    writer.write(callOf(PLAIN, LARGE));
    writer.write(callOf(PLAIN, "b"));
  });
  assertEquals(arrived, [
    [DEFINE, PLAIN.id],
    [CALLS, ["a"]],
    [CALLS, ["b"]],
    [CALLS, ["large"]],
    [CALLS, ["large"]],
  ]);
});

Deno.test("CallWriter doesn't send small calls in the message of a large one", async () => {
  const arrived = await arrivals((writer) => {
    writer.write(callOf(PLAIN, "a"));
    writer.write(callOf(PLAIN, "b"));
    writer.write(callOf(PLAIN, LARGE, "c"));
    writer.write(callOf(PLAIN, "d"));
  });
  assertEquals(arrived, [
    [DEFINE, PLAIN.id],
    [CALLS, ["a", "b"]],
    [CALLS, ["d"]],
    [CALLS, ["large"]],
  ]);
});

Deno.test("CallWriter reads a large argument once", async () => {
  let reads = 0;
  const argument = {
    get bytes() {
      reads++;
      return LARGE.subarray(reads);
    },
  };
  const connection = new SlowConnection();
  const writer = new CallWriter(new Channel(connection), undefined, EVENTS);
  writer.write(callOf(PLAIN, "a"));
  writer.write(callOf(PLAIN, argument, "b", new Uint8Array(50_000).fill(3)));
  writer.flush();
  for (let turn = 0; turn < 30; turn++) await connection.open();
  const [, small, large] = await connection.messages();
  assertEquals(small!.at(-1), [["a"]]);
  const [[{ bytes }, , last]] = large!.at(-1) as [
    [{ bytes: Uint8Array }, string, Uint8Array],
  ];
  assertEquals(bytes.length, LARGE.length - 1);
  assertEquals(last, new Uint8Array(50_000).fill(3));
  assertEquals(reads, 1);
});

Deno.test("CallWriter sends the calls of a task after a large definition", async () => {
  const arrived = await arrivals((writer) => {
    writer.write(callOf(TWICE_BOUND, "a"));
    writer.write(callOf(BOUND, "b"));
    writer.write(callOf(PLAIN, "c"));
    writer.flush();
    writer.write(callOf(TWICE_BOUND, "d"));
  });
  const { id } = TWICE_BOUND;
  const base = TWICE_BOUND.base!;
  assertEquals(arrived, [
    [DEFINE, base.base!.id],
    [DEFINE, BOUND.base!.id],
    [DEFINE, PLAIN.id],
    [CALLS, ["c"]],
    [DEFINE, base.id],
    [DEFINE, id],
    [CALLS, ["a"]],
    [DEFINE, BOUND.id],
    [CALLS, ["b"]],
    [CALLS, ["d"]],
  ]);
});

/** Writes calls, and returns the messages without definitions. */
async function messagesOf(
  act: (writer: CallWriter) => void,
): Promise<unknown[][]> {
  const connection = new SlowConnection();
  const writer = new CallWriter(new Channel(connection), undefined, EVENTS);
  act(writer);
  writer.flush();
  for (let turn = 0; turn < 60; turn++) await connection.open();
  const messages = await connection.messages();
  return messages.filter(([type]) => type !== DEFINE).map((message) =>
    message[0] === CALLS
      ? [CALLS, message[2], (message.at(-1) as unknown[]).map(nameOf)]
      : message
  );
}

/** Makes calls that have something announced before them. */
function announced(preface: CallPreface) {
  return (argument: unknown, number = 0) => {
    const terms = { retries: 0, preface, number };
    const kind = new CallKind(PLAIN, terms);
    return new PromisedCall<unknown>(kind, [argument], undefined);
  };
}

Deno.test("CallWriter sends each watched call in a message of its own", async () => {
  const watched = announced({ runTimeout: 5 });
  const messages = await messagesOf((writer) => {
    writer.write(callOf(PLAIN, "a"));
    writer.write(watched("b"));
    writer.write(watched("c"));
    writer.write(callOf(PLAIN, "d"));
    writer.write(watched(LARGE));
  });
  assertEquals(messages, [
    [CALLS, 0, ["a"]],
    [WATCH, 1, true],
    [CALLS, 1, ["b"]],
    [WATCH, 2, true],
    [CALLS, 2, ["c"]],
    [CALLS, 3, ["d"]],
    [WATCH, 4, true],
    [CALLS, 4, ["large"]],
  ]);
});

Deno.test("CallWriter sends calls with consecutive numbers in one message", async () => {
  const numbered = announced({ seed: [7, 8] });
  const other = announced({ seed: [7, 8] });
  const messages = await messagesOf((writer) => {
    writer.write(numbered("a", 3));
    writer.write(numbered("b", 4));
    writer.write(numbered("c", 6));
    writer.write(other("d", 7));
    writer.write(callOf(PLAIN, "e"));
  });
  assertEquals(messages, [
    [NUMBERED, 0, 3, [7, 8]],
    [CALLS, 0, ["a", "b"]],
    [NUMBERED, 2, 6, [7, 8]],
    [CALLS, 2, ["c"]],
    [NUMBERED, 3, 7, [7, 8]],
    [CALLS, 3, ["d"]],
    [CALLS, 4, ["e"]],
  ]);
});

Deno.test("CallWriter takes back what it has announced of a call that can't be sent", async () => {
  const timed = announced({ runTimeout: 5, seed: [1, 2] });
  const messages = await messagesOf((writer) => {
    assertThrows(() => writer.write(timed(() => {}, 9)), DOMException);
    writer.write(callOf(PLAIN, "a"));
  });
  assertEquals(messages, [
    [WATCH, 0, true],
    [NUMBERED, 0, 9, [1, 2]],
    [WATCH, 0, false],
    [NUMBERED, 0, 0, []],
    [CALLS, 0, ["a"]],
  ]);
});

Deno.test("CallWriter.forget() lets a large call arrive before", async () => {
  const arrived = await arrivals((writer) => {
    writer.write(callOf(PLAIN, LARGE));
    writer.flush();
    writer.forget(PLAIN.id);
    writer.write(callOf(PLAIN, "again"));
  });
  assertEquals(arrived, [
    [DEFINE, PLAIN.id],
    [CALLS, ["large"]],
    [FORGET, [PLAIN.id]],
    [DEFINE, PLAIN.id],
    [CALLS, ["again"]],
  ]);
});

Deno.test("CallWriter keeps the order of the values of a call", async () => {
  const arrived = await arrivals((writer) => {
    writer.writeValue(0, 2, LARGE);
    writer.writeValue(0, 2, "a");
    writer.writeValue(1, 2, "b");
    writer.closeStream(0, 2, []);
    writer.closeStream(1, 2, []);
    writer.writeValue(0, 3, "c");
  });
  assertEquals(arrived, [
    [VALUES, ["b"]],
    [CLOSE, 1],
    [VALUES, ["large"]],
    [VALUES, ["a"]],
    [CLOSE, 0],
    [VALUES, ["c"]],
  ]);
});

Deno.test("CallWriter.drained() waits only for large values of the same call", async () => {
  const connection = new SlowConnection();
  const writer = new CallWriter(new Channel(connection), undefined, EVENTS);
  const order: string[] = [];
  writer.writeValue(0, 2, LARGE);
  const large = writer.drained(0)!.then(() => order.push("large"));
  writer.writeValue(1, 2, LARGE.subarray(0, 50_000));
  const small = writer.drained(1)!.then(() => order.push("small"));
  for (let turn = 0; turn < 30; turn++) await connection.open();
  await Promise.all([large, small]);
  assertEquals(order, ["small", "large"]);
  assertEquals(writer.drained(0), undefined);
});

Deno.test("CallWriter reports the messages that later calls overtake", async () => {
  const overtaken: number[][] = [];
  let after: number[] = [];
  const events: CallWriterEvents = {
    defined: () => {},
    overtaken: (message) => after.push(message),
  };
  await arrivals((writer) => {
    for (const value of [LARGE, LARGE, "a", LARGE, "b"]) {
      writer.write(callOf(PLAIN, value));
      writer.flush();
      overtaken.push(after);
      after = [];
    }
  }, events);
  assertEquals(overtaken, [[], [], [1, 2], [], [1, 2, 4]]);
});

Deno.test("CallWriter reports no message that was sent before later calls", async () => {
  const overtaken: number[] = [];
  const connection = new SlowConnection();
  const writer = new CallWriter(new Channel(connection), undefined, {
    defined: () => {},
    overtaken: (message) => overtaken.push(message),
  });
  writer.write(callOf(PLAIN, LARGE));
  writer.flush();
  for (let turn = 0; turn < 30; turn++) await connection.open();
  writer.write(callOf(PLAIN, "a"));
  writer.flush();
  assertEquals(overtaken, []);
});

Deno.test("CallWriter.write() counts the definitions that it sends", () => {
  const writer = new CallWriter(
    new Channel(new SlowConnection()),
    undefined,
    EVENTS,
  );
  const first = writer.write(callOf(TWICE_BOUND, "a"));
  const second = writer.write(callOf(TWICE_BOUND, "a"));
  assertGreater(first, LARGE.length);
  assertLess(second, 100);
});
