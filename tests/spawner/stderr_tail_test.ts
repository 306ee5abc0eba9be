import { assertEquals } from "@std/assert";
import { readStderrTail } from "../../src/spawner/stderr_tail.ts";

function wordsOf(text: string): Promise<string> {
  return readStderrTail(new TextEncoder().encode(text));
}

Deno.test("readStderrTail() removes codes for terminals", async () => {
  assertEquals(
    await wordsOf(
      "\x1b[0m\x1b[1m\x1b[31merror\x1b[0m: no \x1b]0;title\x07way\n",
    ),
    "error: no way",
  );
  assertEquals(await wordsOf(" äö\n\n"), "äö");
  assertEquals(await wordsOf(""), "");
});

Deno.test("readStderrTail() removes a backtrace of Deno at the end", async () => {
  const trace = "\n\nStack backtrace:\n   0: <unknown>\n   1: start\n";
  assertEquals(await wordsOf(`error: no way${trace}`), "error: no way");
  assertEquals(
    await wordsOf(`error: no way${trace}after all\n`),
    `error: no way${trace}after all`,
  );
});
