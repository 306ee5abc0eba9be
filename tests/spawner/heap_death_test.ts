import { assertEquals } from "@std/assert";
import { readHeapDeath } from "../../src/spawner/heap_death.ts";

const TRAP: Deno.CommandStatus = {
  code: 133,
  signal: "SIGTRAP",
  success: false,
};
const EXIT: Deno.CommandStatus = { code: 1, signal: null, success: false };

const TAIL = `<--- Last few GCs --->

[1:0x1] 1147 ms: Mark-Compact (reduce) 99.9 (110.0) -> 99.8 (101.5) MB, pooled: 0.0 MB
[1:0x1] 1221 ms: Mark-Compact (reduce) 99.9 (100.6) -> 99.9 (100.0) MB, pooled: 0.0 MB

#
# Fatal JavaScript out of memory: Reached heap limit
#
==== C stack trace ===============================

    deno(+0x28b0d2e) [0x5592485a3d2e]`;

Deno.test("readHeapDeath() returns the size of a full heap", () => {
  assertEquals(readHeapDeath(TRAP, TAIL), {
    kind: "heap",
    bytes: 100 * 2 ** 20,
  });
});

Deno.test("readHeapDeath() recognizes a full heap without its size", () => {
  const tail = "# Fatal process out of memory: Zone\n#";
  assertEquals(readHeapDeath(TRAP, tail), { kind: "heap", bytes: 0 });
});

Deno.test("readHeapDeath() returns undefined for other ends", () => {
  assertEquals(readHeapDeath(TRAP, "Segmentation fault"), undefined);
  assertEquals(readHeapDeath(TRAP, ""), undefined);
  if (Deno.build.os === "windows") return;
  assertEquals(readHeapDeath(EXIT, TAIL), undefined);
});
