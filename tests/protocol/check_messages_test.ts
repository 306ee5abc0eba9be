import { assertEquals, assertThrows } from "@std/assert";
import {
  fromAgent,
  fromPool,
  fromPoolToAgent,
  fromPoolToSpawner,
  fromSpawner,
  fromWorker,
} from "../../src/protocol/check_messages.ts";
import { SpawnerMessageType } from "../../src/protocol/spawner_messages.ts";
import { MessageType, ResultMode } from "../../src/protocol/worker_messages.ts";
import { roundTrip } from "../helpers/frames.ts";

const REQUEST = {
  address: "tcp::1",
  grants: { read: ["/data"], net: true },
  denoArgs: ["--quiet"],
  env: { A: "1" },
};

const MACHINE = { deno: "2.9.6", platform: "linux", cpus: 8, memory: 1 };

const OFFER = { workers: 4, name: "node1", labels: {}, resources: {} };

type Checker = (message: unknown[]) => unknown;

const { DEFINE, FORGET, CALLS, CHUNK, RESULTS, FAILURE } = MessageType;
const { VALUES, END, CREDIT, CLOSE, STOP, RESOURCES } = MessageType;
const { BEGUN, FULL, NUMBERED, WATCH } = MessageType;
const { VALUE, STREAM, FLATTEN } = ResultMode;
const {
  CONNECTED,
  ENDED,
  OPEN,
  START,
  READY,
  OUTPUT,
  PONG,
  HELLO,
  LEAVE,
  REFUSE,
} = SpawnerMessageType;

const INLINE = { kind: "inline", source: "() => 1", name: "one" };

/** Checkers, and messages that they accept. */
const GOOD: readonly [Checker, unknown[]][] = [
  [fromPool, [DEFINE, 0, INLINE]],
  [fromPool, [DEFINE, 0, { kind: "module", url: "file:///a.ts", name: "f" }]],
  [fromPool, [DEFINE, 1, { kind: "bound", task: 0, constants: [1] }]],
  [fromPool, [FORGET, [1, 2]]],
  [fromPool, [CALLS, 0, 2 ** 32 - 1, VALUE, [[1], []]]],
  [fromPool, [CHUNK, 0, 0, true, [[1, 2]]]],
  [fromPool, [CHUNK, 0, 0, false, [1]]],
  [fromPool, [CALLS, 0, 0, STREAM, [[]]]],
  [fromPool, [MessageType.OPEN, 0, 0, FLATTEN, [1, undefined], [1]]],
  [fromPool, [VALUES, 0, 2, ["value"]]],
  [fromPool, [CREDIT, 0, 0, 0, 2 ** 53 - 1]],
  [fromPool, [CLOSE, 0, 2, []]],
  [fromPool, [CLOSE, 0, 2, ["error"]]],
  [fromPool, [RESOURCES, 0, { gpu: [0, 1], memory: 64e9 }]],
  [fromPool, [RESOURCES, 0, {}]],
  [fromPool, [NUMBERED, 0, 2 ** 53 - 1, [0, 2 ** 32 - 1]]],
  [fromPool, [NUMBERED, 0, 0, []]],
  [fromPool, [WATCH, 0, true]],
  [fromWorker, [BEGUN, 2 ** 32 - 1]],
  [fromWorker, [FULL, 2 ** 40]],
  [fromWorker, [VALUES, 0, 0, [undefined]]],
  [fromWorker, [END, 0, 5]],
  [fromWorker, [CREDIT, 0, 1, 1, 1]],
  [fromWorker, [STOP, 0, 2, undefined]],
  [fromWorker, [RESULTS, 0, 5, [undefined]]],
  [fromWorker, [FAILURE, 0, 5, "thrown", []]],
  [fromPoolToSpawner, [OPEN, REQUEST]],
  [fromPoolToSpawner, [OPEN, { ...REQUEST, maxMemory: 2 ** 40 }]],
  [fromPoolToSpawner, [START, 7]],
  [fromPoolToSpawner, [CONNECTED, 7]],
  [fromSpawner, [ENDED, 7, "exit code 0", "", undefined]],
  [fromSpawner, [ENDED, 7, "signal SIGTRAP", "", { kind: "heap", bytes: 0 }]],
  [fromSpawner, [ENDED, 7, "signal SIGKILL", "", {
    kind: "limit",
    bytes: 2,
    limit: 1,
  }]],
  [fromSpawner, [READY, MACHINE]],
  [fromSpawner, [OUTPUT, 7, "stderr", new Uint8Array(1)]],
  [fromSpawner, [PONG, 0, 0.5]],
  [fromPoolToAgent, [START, 7]],
  [fromPoolToAgent, [REFUSE, "it is full"]],
  [fromAgent, [READY, MACHINE]],
  [fromAgent, [HELLO, OFFER]],
  [fromAgent, [HELLO, {
    ...OFFER,
    job: "17_3",
    labels: { region: "eu" },
    resources: { gpu: 2, memory: "64G" },
    wallTime: 1.5,
    maxIdle: 60_000,
  }]],
  [fromAgent, [LEAVE, "SIGTERM", Infinity]],
];

/** Checkers, and messages that they refuse. */
const BAD: readonly [Checker, unknown[]][] = [
  [fromPool, []],
  [fromPool, [RESULTS, 0, 5, [1]]],
  [fromPool, [DEFINE, 0]],
  [fromPool, [DEFINE, 0, { kind: "inline", source: "() => 1" }]],
  [fromPool, [DEFINE, 0, { kind: "other" }]],
  [fromPool, [FORGET, [-1]]],
  [fromPool, [CALLS, 0, 2 ** 32, VALUE, [[1]]]],
  [fromPool, [CALLS, 0, 0, VALUE, []]],
  [fromPool, [CALLS, 0, 0, VALUE, [1]]],
  [fromPool, [CHUNK, 0, 0, true, [1]]],
  [fromPool, [CALLS, 0, 0, 3, [[1]]]],
  [fromPool, [MessageType.OPEN, 0, 0, STREAM, [], [-1]]],
  [fromPool, [MessageType.OPEN, 0, 0, STREAM, [1], 0]],
  [fromPool, [VALUES, 0, 2, []]],
  [fromPool, [CREDIT, 0, 0, 1]],
  [fromPool, [CREDIT, 0, 0, -1, 1]],
  [fromPool, [CREDIT, 0, 0, 2 ** 32, 1]],
  [fromPool, [CREDIT, 0, 0, 1, 2 ** 53]],
  [fromPool, [CREDIT, 0, 0, 1, 0.5]],
  [fromPool, [CLOSE, 0, 2, "error"]],
  [fromPool, [RESOURCES, 0, { gpu: [-1] }]],
  [fromPool, [RESOURCES, 0, { gpu: "0" }]],
  [fromPool, [RESOURCES, 0, [0]]],
  [fromPool, [NUMBERED, 0, 2 ** 53, []]],
  [fromPool, [NUMBERED, 0, -1, []]],
  [fromPool, [NUMBERED, 0, 0, [1]]],
  [fromPool, [NUMBERED, 0, 0, [1, 2 ** 32]]],
  [fromPool, [NUMBERED, 0, 0, { length: 0 }]],
  [fromPool, [NUMBERED, 0, 0, roundTrip(new Array(2 ** 32 - 1))]],
  [fromPool, [WATCH, 0]],
  [fromPool, [WATCH, 0, 1]],
  [fromPool, [BEGUN, 0]],
  [fromPool, [END, 0, 5]],
  [fromPool, [STOP, 0, 2, undefined]],
  [fromWorker, [CLOSE, 0, 2, []]],
  [fromWorker, [MessageType.OPEN, 0, 0, STREAM, [1], [0]]],
  [fromWorker, [VALUES, 0, 0, []]],
  [fromWorker, [VALUES, 0, 0.5, [1]]],
  [fromWorker, [VALUES, 0, 0, roundTrip(new Array(2 ** 32 - 1))]],
  [fromWorker, [FULL, -1]],
  [fromWorker, [FULL]],
  [fromPool, [FULL, 1]],
  [fromPoolToSpawner, [OPEN, { ...REQUEST, maxMemory: -1 }]],
  [fromPoolToSpawner, [CONNECTED, -1]],
  [fromSpawner, [ENDED, 7, "exit code 0", ""]],
  [fromSpawner, [ENDED, 7, "exit code 0", "", { kind: "other", bytes: 0 }]],
  [fromSpawner, [ENDED, 7, "exit code 0", "", { kind: "heap", bytes: 0.5 }]],
  [fromSpawner, [ENDED, 7, "exit code 0", "", {
    kind: "limit",
    bytes: 2,
    limit: "1",
  }]],
  [fromWorker, [BEGUN, -1]],
  [fromWorker, [BEGUN, 0, 1]],
  [fromWorker, [WATCH, 0, true]],
  [fromWorker, [NUMBERED, 0, 0, []]],
  [fromWorker, [END, 0]],
  [fromWorker, [CREDIT, 0, 0, 1, Infinity]],
  [fromWorker, [STOP, 0, 2]],
  [fromWorker, [RESULTS, 0, 5, []]],
  [fromWorker, [RESULTS, 0, Infinity, [1]]],
  [fromWorker, [FAILURE, 0, 5, "thrown"]],
  [fromWorker, [FAILURE, 0, 5, "thrown", [], 1]],
  // A loop over this list would take minutes.
  [fromWorker, [RESULTS, 0, 5, roundTrip(new Array(2 ** 32 - 1))]],
  [fromPoolToSpawner, [OPEN, null]],
  [fromPoolToSpawner, [OPEN, { ...REQUEST, grants: { read: [1] } }]],
  [fromPoolToSpawner, [OPEN, { ...REQUEST, env: { A: 1 } }]],
  [fromPoolToSpawner, [OPEN, { ...REQUEST, cwd: 1 }]],
  [fromSpawner, [READY, { ...MACHINE, cpus: 0 }]],
  [fromSpawner, [READY, { ...MACHINE, cpus: 1e6 }]],
  [fromSpawner, [OUTPUT, 7, "stdin", new Uint8Array(1)]],
  [fromSpawner, [{}]],
  [fromSpawner, [HELLO, OFFER]],
  [fromSpawner, [LEAVE, "SIGTERM", 0]],
  [fromPoolToSpawner, [REFUSE, "it is full"]],
  [fromPoolToAgent, [REFUSE]],
  [fromPoolToAgent, [HELLO, OFFER]],
  [fromAgent, [REFUSE, "it is full"]],
  [fromAgent, [HELLO, { ...OFFER, workers: 0 }]],
  [fromAgent, [HELLO, { ...OFFER, workers: 1e6 }]],
  [fromAgent, [HELLO, { ...OFFER, name: undefined }]],
  [fromAgent, [HELLO, { ...OFFER, job: 17 }]],
  [fromAgent, [HELLO, { ...OFFER, labels: { region: 1 } }]],
  [fromAgent, [HELLO, { ...OFFER, resources: { gpu: true } }]],
  [fromAgent, [HELLO, { ...OFFER, wallTime: -1 }]],
  [fromAgent, [HELLO, { ...OFFER, maxIdle: NaN }]],
  [fromAgent, [LEAVE, "SIGTERM", -1]],
  [fromAgent, [LEAVE, "SIGTERM"]],
];

function oneLine(message: unknown[]): string {
  return Deno.inspect(message, { breakLength: Infinity, compact: true });
}

for (const [checker, message] of GOOD) {
  Deno.test(`${checker.name}() returns ${oneLine(message)}`, () => {
    assertEquals(checker(message), message);
  });
}

for (const [checker, message] of BAD) {
  Deno.test(`${checker.name}() throws for ${oneLine(message)}`, () => {
    assertThrows(() => checker(message), RangeError, "Malformed message");
  });
}
