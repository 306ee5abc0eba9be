import { assertEquals } from "@std/assert";
import { readState } from "../../../src/hosts/template/read_state.ts";

Deno.test("readState() reads a word, or the exit code", () => {
  const cases: [number, string, string, string][] = [
    [0, "pending\n", "pending", ""],
    [1, "PENDING (Resources)\nmore", "pending", "(Resources)"],
    [0, "  Running", "running", ""],
    [0, "ended out of memory", "ended", "out of memory"],
    [0, "runningly", "running", ""],
    [0, "", "running", ""],
    [3, "", "ended", ""],
    [3, "no such job", "ended", ""],
  ];
  for (const [code, stdout, state, reason] of cases) {
    assertEquals(readState({ code, stdout, stderr: "" }), { state, reason });
  }
});
