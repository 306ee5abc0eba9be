import { assert, assertEquals } from "@std/assert";
import { Decoder } from "../../src/codec/decoder.ts";
import {
  MAX_FRAME_BYTES,
  MAX_MESSAGE_BYTES,
} from "../../src/codec/wire_limits.ts";
import { MessageType, ResultMode } from "../../src/protocol/worker_messages.ts";
import { SpawnerMessageType } from "../../src/protocol/spawner_messages.ts";
import type { ByteSource } from "../../src/transport/frame_reader.ts";
import {
  FIRST_HEADER_BYTES,
  PART_FLAG,
} from "../../src/transport/outgoing_frame.ts";
import {
  concat,
  encodeMessages,
  frameAround,
  readMessages,
} from "../helpers/frames.ts";
import type { Random } from "../helpers/random.ts";
import { type Conversation, mutate, type Outcome, pieces } from "./fuzz.ts";

const { DEFINE, FORGET, CALLS, CHUNK, RESULTS, CHUNK_RESULTS, FAILURE } =
  MessageType;
const { VALUE } = ResultMode;

const KINDS: readonly unknown[] = [
  [1, -1, 300, 70_000, 1.5, -0, NaN, true, null, undefined, 1n, 2n ** 70n],
  { a: "text", constructor: "é".repeat(200), 1000: ["\ud800", new Date(5)] },
  [new Map<unknown, unknown>([[1, new Set(["a"])]]), /a+/gu],
  [new URL("https://example.com/"), new Float64Array(2), new ArrayBuffer(5)],
  new AggregateError([new TypeError("a")], "b", { cause: { c: 1 } }),
];

/** Messages from a pool to a worker, from a worker, and to a spawner. */
const CONVERSATIONS: readonly [
  Conversation,
  ...Conversation[],
] = [
  [
    [DEFINE, 1, { kind: "inline", source: "(x) => x", name: "task" }],
    [DEFINE, 2, { kind: "bound", task: 1, constants: KINDS }],
    [CALLS, 1, 0, VALUE, KINDS.map((value) => [value])],
    [CHUNK, 2, 5, false, KINDS],
    [MessageType.MODULE, "file:///a.ts", "hash", "export default 1"],
    [MessageType.CANCEL, 3],
    [FORGET, [1, 2]],
  ],
  [
    [RESULTS, 0, 12, KINDS.slice(1)],
    [FAILURE, 4, 100, KINDS[4], []],
    [CHUNK_RESULTS, 5, 70_000, KINDS],
  ],
  [
    [RESULTS, 0, 5, [new Uint8Array(40_000), [new Float64Array(5_000)]]],
    [RESULTS, 1, 5, ["after it"]],
  ],
  [
    [SpawnerMessageType.OPEN, {
      address: "tcp::80",
      grants: { read: true, net: ["a"] },
      denoArgs: ["--a"],
      env: { a: "b" },
    }],
    [SpawnerMessageType.START, 0],
    [SpawnerMessageType.PING, 1],
  ],
].map((messages) =>
  messages.map((message) => encodeMessages(message))
) as Conversation[] as [Conversation];

/** Returns the largest buffer that the reader may allocate for some bytes. */
export function mostClaimed(received: number): number {
  return Math.max(received * 16, 2 ** 21) + 16;
}

/** Checks that a `FrameReader` reads messages or refuses the bytes. */
export async function tryReader(random: Random): Promise<Outcome> {
  const bytes = makeBytes(random);
  const source = new Pieces(pieces(random, bytes));
  let outcome: Outcome = "accepted";
  try {
    await readMessages(source);
  } catch (error) {
    assertRefusal(error);
    outcome = "refused";
  }
  const { largest } = source;
  assert(largest <= mostClaimed(bytes.length), `room for ${largest} bytes`);
  return outcome;
}

/** A source that returns each piece by one or more reads. */
class Pieces implements ByteSource {
  /** The size of the largest buffer that was passed to `read()`. */
  largest = 0;
  readonly #pieces: readonly Uint8Array[];
  #index = 0;
  #given = 0;

  constructor(pieces: readonly Uint8Array[]) {
    this.#pieces = pieces;
  }

  // deno-lint-ignore require-await
  async read(buffer: Uint8Array): Promise<number | null> {
    this.largest = Math.max(this.largest, buffer.length);
    const piece = this.#pieces[this.#index]?.subarray(this.#given);
    if (piece === undefined) return null;
    assert(buffer.length > 0, "There must be room for more");
    const count = Math.min(buffer.length, piece.length);
    buffer.set(piece.subarray(0, count));
    this.#given += count;
    if (count === piece.length) {
      this.#index++;
      this.#given = 0;
    }
    return count;
  }
}

const decoder = new Decoder();

/** Checks that a `Decoder` decodes the content of a frame or refuses it. */
export function tryDecoder(random: Random): Outcome {
  const bytes = random.below(4) === 0
    ? frameAround(random.bytes(random.below(60)))
    : mutate(random, [random.pick(SMALL)], random.pick(CONVERSATIONS));
  decoder.use(bytes);
  let message: unknown[];
  try {
    message = decoder.message(4, bytes.length);
  } catch (error) {
    assertRefusal(error);
    return "refused";
  }
  // A decoded message can be sent again and stays the same.
  if (message.length === 0 || random.below(4) !== 0) return "accepted";
  const again = encodeMessages(message);
  decoder.use(again);
  assertEquals(encodeMessages(decoder.message(4, again.length)), again);
  return "accepted";
}

const SMALL = CONVERSATIONS.flat()
  .filter(({ length }) => length < 10_000) as [
    Uint8Array<ArrayBuffer>,
    ...Uint8Array<ArrayBuffer>[],
  ];

function makeBytes(random: Random): Uint8Array<ArrayBuffer> {
  switch (random.below(6)) {
    case 0:
      return random.bytes(random.below(100));
    case 1: {
      const frame = frameAround(random.bytes(random.below(60)));
      const length = random.pick([4, 100, 2 ** 20, MAX_FRAME_BYTES, 2 ** 32]);
      new DataView(frame.buffer).setUint32(0, length - random.below(3));
      return frame;
    }
    case 2:
      return makeParts(random);
    default: {
      const of = random.pick(CONVERSATIONS);
      return mutate(random, of, random.pick(CONVERSATIONS));
    }
  }
}

/** Cuts a frame into parts, with other frames between them and lies about sizes. */
function makeParts(random: Random): Uint8Array<ArrayBuffer> {
  const content = random.pick(SMALL).subarray(4);
  const pieces: Uint8Array[] = [];
  for (let start = 0; start < content.length;) {
    const end = Math.min(content.length, start + 1 + random.below(500));
    const header = new Uint8Array(start === 0 ? FIRST_HEADER_BYTES : 4);
    const view = new DataView(header.buffer);
    const lie = random.below(20) === 0 ? random.below(9) - 4 : 0;
    view.setUint32(0, PART_FLAG + end - start + lie);
    if (start === 0) {
      const announced = random.below(10) === 0
        ? random.pick([0, 100, 2 ** 31, 2 ** 32, MAX_MESSAGE_BYTES, 2 ** 40])
        : content.length;
      view.setUint32(4, Math.floor(announced / 2 ** 32));
      view.setUint32(8, announced);
    }
    pieces.push(header, content.subarray(start, end));
    if (random.below(3) === 0) pieces.push(random.pick(SMALL));
    start = end;
  }
  return concat(pieces);
}

/** Checks that malformed bytes are refused with a RangeError. */
function assertRefusal(error: unknown): void {
  assert(error instanceof RangeError, `${error}`);
}
