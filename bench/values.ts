/**
 * Measures the time to encode and decode values with the pool's codec and with
 * others: `deno run -A bench/values.ts`.
 *
 * Each codec runs in a process of its own, because the garbage of one would make
 * the others several times slower.
 *
 * @module
 */

import {
  Decoder as MsgpackDecoder,
  Encoder as MsgpackEncoder,
} from "@msgpack/msgpack";
import { parseArgs } from "@std/cli/parse-args";
import { decode, encode, type ValueType } from "@std/msgpack";
import { deserialize, serialize } from "node:v8";
import { Decoder } from "../src/codec/decoder.ts";
import { Encoder } from "../src/codec/encoder.ts";
import {
  loadV8Serializer,
  type V8Serializer,
} from "../src/codec/v8_serializer.ts";
import { type Effort, FULL, QUICK, scaled, spread } from "./measure.ts";

/** A way to turn values into bytes and back. */
interface Codec {
  readonly name: string;
  /** Encodes a value into memory that the next call may overwrite. */
  readonly encode: (value: ValueType) => Uint8Array;
  /** Makes a function that decodes these bytes. */
  readonly decoding: (bytes: Uint8Array<ArrayBuffer>) => () => unknown;
}

/** A value to encode, and how often one repetition encodes it. */
interface Sample {
  readonly name: string;
  readonly value: ValueType;
  readonly count: number;
}

const OBJECTS = list(
  (n) => ({ id: n, name: `name ${n}`, valid: true, score: n / 3 }),
  500,
);

const SAMPLES: readonly Sample[] = [
  { name: "[1, 4242, 17, [5]]", value: [1, 4242, 17, [5]], count: 50_000 },
  { name: "1,000 integers", value: list((n) => n * 37, 1_000), count: 1_000 },
  {
    name: "100 small objects",
    value: OBJECTS.slice(0, 100),
    count: 1_000,
  },
  {
    name: "1,000 short strings",
    value: list((n) => `string ${n}`, 1_000),
    count: 500,
  },
  { name: "an object, twice", value: twice(OBJECTS[0]!), count: 10_000 },
  { name: "500 objects, twice", value: twice(OBJECTS), count: 200 },
];

/** Each codec is used in its fastest way, with one encoder for all values. */
const CODECS: readonly Codec[] = [
  poolCodec("@distex/pool"),
  poolCodec("structured", await loadV8Serializer()),
  npmCodec(),
  { name: "@std/msgpack", encode, decoding: (bytes) => () => decode(bytes) },
  {
    name: "node:v8",
    encode: serialize,
    decoding: (bytes) => () => deserialize(bytes),
  },
];

function list<T>(make: (index: number) => T, length: number): T[] {
  return Array.from({ length }, (_, index) => make(index));
}

/** Makes a value that contains another one twice. */
function twice<T>(value: T): T[] {
  return [value, value];
}

/**
 * A codec of the pool, used as in the frame writer and the frame reader.
 *
 * @param serializer Makes it the codec `"structured"`.
 */
function poolCodec(name: string, serializer?: V8Serializer): Codec {
  const encoder = new Encoder();
  const decoder = new Decoder();
  encoder.serializer = decoder.serializer = serializer;
  return {
    name,
    encode(value) {
      encoder.position = 0;
      // A frame is an array 16; here the value is its only element.
      const start = encoder.skip(3);
      encoder.bytes[start] = 0xdc;
      encoder.setUint16(1, 1);
      encoder.value(value);
      return encoder.bytes.subarray(0, encoder.position);
    },
    decoding(bytes) {
      decoder.use(bytes);
      return () => decoder.message(0, bytes.length)[0];
    },
  };
}

function npmCodec(): Codec {
  const encoder = new MsgpackEncoder();
  const decoder = new MsgpackDecoder();
  return {
    name: "@msgpack/msgpack",
    encode: (value) => encoder.encodeSharedRef(value),
    decoding: (bytes) => () => decoder.decode(bytes),
  };
}

/** The result of a codec's process for one value. */
interface Figures {
  readonly encode: number;
  readonly decode: number;
  readonly bytes: number;
}

function measureSample(
  { encode, decoding, name }: Codec,
  { value, count }: Sample,
  effort: Effort,
): Figures {
  const turns = scaled(count, effort);
  const encodeTimes: number[] = [];
  const decodeTimes: number[] = [];
  // The first repetition warms up.
  for (let turn = 0; turn <= effort.repetitions; turn++) {
    const bytes = new Uint8Array(encode(value));
    const decode = decoding(bytes);
    checkEqual(decode(), value, name);
    const encodeTime = timePerTurn(turns, () => encode(value));
    const decodeTime = timePerTurn(turns, decode);
    if (turn === 0) continue;
    encodeTimes.push(encodeTime);
    decodeTimes.push(decodeTime);
  }
  return {
    encode: spread(encodeTimes).median,
    decode: spread(decodeTimes).median,
    bytes: encode(value).length,
  };
}

/** Returns the microseconds that each of `count` turns takes. */
function timePerTurn(count: number, turn: () => unknown): number {
  const start = performance.now();
  for (let index = 0; index < count; index++) turn();
  return (performance.now() - start) / count * 1_000;
}

function checkEqual(actual: unknown, expected: unknown, codec: string): void {
  if (JSON.stringify(actual) === JSON.stringify(expected)) return;
  throw new Error(`${codec} decoded another value than it encoded`);
}

/** Measures one codec with all values in a process of its own. */
async function measureApart(codec: Codec, quick: boolean): Promise<Figures[]> {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--quiet",
      import.meta.url,
      `--codec=${codec.name}`,
      ...(quick ? ["--quick"] : []),
    ],
    stdin: "null",
    stderr: "inherit",
  }).output();
  if (code !== 0) throw new Error(`${codec.name} ended with exit code ${code}`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

async function printTable(quick: boolean): Promise<void> {
  const all: Figures[][] = [];
  for (const codec of CODECS) all.push(await measureApart(codec, quick));
  console.log(`Deno ${Deno.version.deno}`);
  printLine("", "", ["encode µs", "decode µs", "bytes"]);
  SAMPLES.forEach((sample, sampleIndex) => {
    CODECS.forEach((codec, codecIndex) => {
      const { encode, decode, bytes } = all[codecIndex]![sampleIndex]!;
      const figures = [encode.toFixed(3), decode.toFixed(3), String(bytes)];
      printLine(sample.name, codec.name, figures);
    });
  });
}

function printLine(
  sample: string,
  codec: string,
  figures: readonly string[],
): void {
  const columns = figures.map((figure) => figure.padStart(10));
  console.log(sample.padEnd(20), codec.padEnd(16), ...columns);
}

if (import.meta.main) {
  const { codec: name, quick } = parseArgs(Deno.args, {
    boolean: ["quick"],
    string: ["codec"],
  });
  const codec = CODECS.find((codec) => codec.name === name);
  if (codec === undefined) await printTable(quick);
  else {
    const effort = quick ? QUICK : FULL;
    const figures = SAMPLES.map((each) => measureSample(codec, each, effort));
    console.log(JSON.stringify(figures));
  }
}
