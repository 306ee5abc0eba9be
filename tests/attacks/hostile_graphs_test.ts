import { assertEquals, assertInstanceOf, assertMatch } from "@std/assert";
import { Extension } from "../../src/codec/extensions.ts";
import { useCodec } from "../../src/protocol/value_codec.ts";
import { MessageType } from "../../src/protocol/worker_messages.ts";
import { HostTally } from "../../src/scheduling/host_tally.ts";
import { PrefetchWindow } from "../../src/scheduling/prefetch_window.ts";
import { WorkerHandle } from "../../src/scheduling/worker_handle.ts";
import { WorkerProcess } from "../../src/spawner/worker_process.ts";
import { Channel } from "../../src/transport/channel.ts";
import { concat, frameAround } from "../helpers/frames.ts";
import { MemoryConnection } from "../helpers/memory_connection.ts";

const END = { exitStatus: "signal SIGKILL", stderrTail: "" };

/** Makes the frame of a result that is a graph with this data. */
function resultOf(data: string | number[], tables: readonly number[]) {
  const bytes = typeof data === "string"
    ? Array.from(data, (char) => char.charCodeAt(0))
    : data;
  const size = bytes.length + 2;
  const binary = [0xc8, (size + 1) >> 8, (size + 1) & 0xff, Extension.BINARY];
  const content = concat([tables, binary, [1, 0xff, 15], bytes]);
  const header = [0xc9, 0, 0, content.length >> 8, content.length & 0xff, 11];
  return frameAround(
    [0xdc, 0, 4, MessageType.RESULTS, 0, 0, 0x91],
    header,
    content,
  );
}

const NO_TABLES = [0x90, 0x90, 0x90, 0x90];

/** Graphs of a worker that was taken over. */
const ATTACKS: readonly [name: string, frame: Uint8Array<ArrayBuffer>][] = [
  [
    "sparse arrays that would take gigabytes",
    resultOf(
      "A\x14" + "a\x80\x87\xa7\x0e@\0\x80\x87\xa7\x0e".repeat(20),
      NO_TABLES,
    ),
  ],
  [
    "resizable buffers that would take the address space",
    resultOf("A\x64" + "~\0\x80\x80\x80\x80\x08".repeat(100), NO_TABLES),
  ],
  ["shared memory", resultOf("u\0", NO_TABLES)],
  ["WebAssembly", resultOf("w\0", NO_TABLES)],
  ["values that nest too deeply", resultOf("'".repeat(60_000), NO_TABLES)],
  ["a string that isn't there", resultOf('"\xff\xff\xff\xff\x0f', NO_TABLES)],
  ["a bigint that isn't there", resultOf("Z\xfe\xff\xff\xff\x0f", NO_TABLES)],
  ["references to nothing", resultOf("\\\0\0", NO_TABLES)],
  ["objects that it hasn't begun", resultOf("^\x05", NO_TABLES)],
  ["leaves that aren't objects", resultOf("0", [0x91, 1, 0x90, 0x90, 0x90])],
  [
    "shells of unknown kinds",
    resultOf("0A\0$\0\0", [0x90, 0x91, 0xc3, 0x90, 0x90]),
  ],
  [
    "views outside of their buffers",
    resultOf("0", [0x90, 0x90, 0x90, 0x91, 0x94, 1, 0, 0, 1]),
  ],
  [
    "arrays that set their length",
    resultOf('0A\x02"\x06lengthI\0$\0\x02', [0x90, 0x91, 3, 0x90, 0x90]),
  ],
  ["no tables", resultOf("0", [])],
];

for (const [name, frame] of ATTACKS) {
  Deno.test(`WorkerHandle ends only the connection when a worker sends ${name}`, async () => {
    const [left, right] = MemoryConnection.pair();
    const channel = new Channel(left);
    await useCodec(channel, "structured");
    let kills = 0;
    const worker = new WorkerHandle(
      {
        process: new WorkerProcess("worker", Promise.resolve(END), () => {
          kills++;
        }),
        tally: new HostTally("local"),
        modules: undefined,
        concurrency: 1,
        cancelGrace: 60_000,
      },
      channel,
      new PrefetchWindow("auto", 1),
    );
    const receiving = worker.receive({ changed() {} });
    await right.write(frame);
    const { cause } = await receiving;
    assertInstanceOf(cause, RangeError);
    assertMatch(cause.message, /^Malformed message: /);
    assertEquals([kills, channel.closed], [1, true]);
    right.close();
  });
}
