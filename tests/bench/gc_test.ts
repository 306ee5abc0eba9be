import { assertEquals, assertThrows } from "@std/assert";
import { between, parseCollections } from "../../bench/gc.ts";

/** Makes a line of `--trace-gc-nvp`. */
function line(time: number, fields: Record<string, unknown>): string {
  return `[12:0x5596c3a13000:0]  ${time} ms: GC: ${JSON.stringify(fields)}\n`;
}

const OUTPUT = line(50, { pause: 9, allocated: 900, reason: "task" }) +
  line(100, { pause: 5, allocated: 500, reason: "testing" }) +
  line(150, { pause: 1.5, allocated: 10, reason: "allocation failure" }) +
  "[12:0x5596c3a13000:0] 150 ms: Memory pool: Removed pages: 0\n" +
  line(170, { pause: 2, allocated: 20, reason: "task" }) +
  line(200, { pause: 7, allocated: 30, reason: "testing" }) +
  line(230, { pause: 8, allocated: 40, reason: "testing" });

Deno.test("parseCollections() ignores other output", () => {
  assertEquals(parseCollections(""), []);
  const pauses = parseCollections(OUTPUT).map(({ pause }) => pause);
  assertEquals(pauses, [9, 5, 1.5, 2, 7, 8]);
});

Deno.test("parseCollections() reads lines that a pool has marked with the worker", () => {
  const marked = `[local worker 1] ${line(3, { pause: 1, allocated: 2 })}`;
  assertEquals(parseCollections(marked), [
    { time: 3, pause: 1, allocated: 2, isRequested: false },
  ]);
});

Deno.test("between() sums up what happened between two requested collections", () => {
  const collections = parseCollections(OUTPUT);
  assertEquals(between(collections, 0), {
    milliseconds: 100,
    pauses: 3.5,
    bytes: 60,
  });
  assertEquals(between(collections, 1), {
    milliseconds: 30,
    pauses: 0,
    bytes: 40,
  });
});

Deno.test("between() throws if a requested collection wasn't reported", () => {
  assertThrows(() => between(parseCollections(OUTPUT), 2), Error, "reported 3");
});
