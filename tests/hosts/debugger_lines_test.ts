import { assertEquals } from "@std/assert";
import { DebuggerLines } from "../../src/hosts/debugger_lines.ts";

const ANNOUNCED = "Debugger listening on ws://127.0.0.1:1/a\n" +
  "Visit chrome://inspect to connect to the debugger.\n" +
  "Deno is waiting for debugger to connect.\n";

/** Takes lines of worker 1; returns the rest, and the addresses. */
function take(lines: DebuggerLines, text: string): [string, string[]] {
  const addresses: string[] = [];
  const rest = lines.take(
    1,
    new TextEncoder().encode(text),
    (address) => addresses.push(address),
  );
  return [new TextDecoder().decode(rest), addresses];
}

Deno.test("DebuggerLines.take() takes the announcement and its notes", () => {
  const lines = new DebuggerLines();
  lines.expect(1);
  assertEquals(take(lines, `a warning\n${ANNOUNCED}first\n`), [
    "a warning\nfirst\n",
    ["ws://127.0.0.1:1/a"],
  ]);
  assertEquals(take(lines, ANNOUNCED), [ANNOUNCED, []]);
});

Deno.test("DebuggerLines.take() takes an announcement that arrives in pieces", () => {
  const lines = new DebuggerLines();
  lines.expect(1);
  const rests = ANNOUNCED.match(/.*\n/g)!.map((line) => take(lines, line)[0]);
  assertEquals(rests, ["", "", ""]);
  assertEquals(take(lines, "first\n")[0], "first\n");
});

Deno.test("DebuggerLines.take() leaves lines without an address", () => {
  const lines = new DebuggerLines();
  lines.expect(1);
  const text = "Debugger listening on the wire\n";
  assertEquals(take(lines, text), [text, []]);
});

Deno.test("DebuggerLines.take() leaves all lines of workers that it doesn't await", () => {
  const lines = new DebuggerLines();
  assertEquals(take(lines, ANNOUNCED), [ANNOUNCED, []]);
  lines.expect(1);
  lines.forget(1);
  assertEquals(take(lines, ANNOUNCED), [ANNOUNCED, []]);
});
