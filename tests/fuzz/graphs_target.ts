import { assert } from "@std/assert";
import { checkV8Data } from "../../src/codec/check_v8_data.ts";
import { loadV8Serializer } from "../../src/codec/v8_serializer.ts";
import { encodeGraphs, graphDecoder } from "../helpers/graphs.ts";
import type { Random } from "../helpers/random.ts";
import { type Conversation, mutate, type Outcome } from "./fuzz.ts";

/** An object that contains itself. */
interface Knot {
  self?: Knot;
  other?: unknown;
}

const GRAPHS: readonly unknown[] = [
  { list: [1, -1, 300, 1.5, true, null, undefined, 1n, 2n ** 70n] },
  { 5: "é", constructor: "中".repeat(9), 1000: ["\ud800", new Date(5)] },
  [new Map<unknown, unknown>([[1, new Set(["a"])]]), /a+/gu],
  [new URL("https://example.com/"), new Float64Array(2), new ArrayBuffer(5)],
  new AggregateError([new TypeError("a")], "b", { cause: { c: 1 } }),
  [Object.assign([, 1], { a: {} }), Object(1), Object("a"), Object(true)],
].map(knotted);

const FRAMES: readonly [Conversation, ...Conversation[]] = [
  [encodeGraphs([5, 0, 12], GRAPHS)],
  ...GRAPHS.map((graph) => [encodeGraphs([3, 1, 0, [graph]])]),
];

/** The beginnings of values and of their parts, and their ends. */
const TAGS = Array.from(
  "_0TFINZ\"c^o{A$Dyxnzs;:',\\",
  (tag) => tag.charCodeAt(0),
) as [number, ...number[]];

const TABLE_SIZES = [1, 2];

const serializer = await loadV8Serializer();
const decoder = graphDecoder();

function knotted(other: unknown): Knot {
  const knot: Knot = { other };
  knot.self = knot;
  return knot;
}

/** Checks that a decoder decodes or refuses a changed message with graphs. */
export function tryGraphs(random: Random): Outcome {
  const bytes = mutate(random, random.pick(FRAMES), random.pick(FRAMES));
  decoder.use(bytes);
  let message: unknown[];
  try {
    message = decoder.message(4, bytes.length);
  } catch (error) {
    assert(error instanceof RangeError, `${error}`);
    return "refused";
  }
  // A decoded message can be sent again.
  const again = encodeGraphs(message);
  decoder.use(again);
  decoder.message(4, again.length);
  return "accepted";
}

/** Checks that V8 reads or refuses data in its format. */
export function tryV8Data(random: Random): Outcome {
  const bytes = Uint8Array.from([0xff, 15, ...makeValue(random, 4)]);
  for (let changes = random.below(3); changes > 0; changes--) {
    bytes[2 + random.below(bytes.length - 2)] = random.pick(TAGS);
  }
  try {
    checkV8Data(bytes, 1, TABLE_SIZES);
  } catch (error) {
    assert(error instanceof RangeError, `${error}`);
    return "refused";
  }
  try {
    serializer.deserialize(bytes, 1, () => new Date(5));
  } catch (error) {
    assert(error instanceof Error, `${error}`);
  }
  return "accepted";
}

/** Makes data in V8's format; small numbers are one byte. */
function makeValue(random: Random, depth: number): number[] {
  const tag = String.fromCharCode(random.pick(TAGS));
  const list = () => random.list(4, () => makeValue(random, depth - 1));
  const codes = (text: string) =>
    Array.from(text, (char) => char.charCodeAt(0));
  switch (depth > 0 ? tag : "0") {
    case "o": {
      const values = list();
      const properties = values.flatMap((
        value,
      ) => [...makeKey(random), ...value]);
      return [...codes("o"), ...properties, ...codes("{"), values.length];
    }
    case "A": {
      const values = list();
      const { length } = values;
      return [
        ...codes("A"),
        length,
        ...values.flat(),
        ...codes("$"),
        0,
        length,
      ];
    }
    case ";": {
      const values = [...list(), ...list()];
      if (values.length % 2 !== 0) values.pop();
      return [...codes(";"), ...values.flat(), ...codes(":"), values.length];
    }
    case "'": {
      const values = list();
      return [...codes("'"), ...values.flat(), ...codes(","), values.length];
    }
    case "D":
    case "N":
    case "n":
      return [...codes(tag), ...random.bytes(8)];
    case "Z":
    case "z":
      return [...codes(tag), 16, ...random.bytes(8)];
    case "I":
    case "^":
      return [...codes(tag), random.below(12)];
    case "s":
      return [...codes("s"), ...makeKey(random)];
    case "\\":
      return [...codes(tag), random.below(3), random.below(3)];
    case '"':
    case "c":
      return makeKey(random);
    default:
      return codes(random.pick(["_", "0", "T", "F", "x", "y"]));
  }
}

function makeKey(random: Random): number[] {
  const size = random.pick([1, 2]);
  const text = random.pick(["", "a", "5", "__proto__", "1000", "length", "00"]);
  const units = Array.from(text, (char) => char.charCodeAt(0));
  return size === 1
    ? [0x22, units.length, ...units]
    : [0x63, units.length * 2, ...units.flatMap((unit) => [unit, 0])];
}
