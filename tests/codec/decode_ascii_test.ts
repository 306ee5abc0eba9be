import { assertEquals } from "@std/assert";
import { decodeAscii } from "../../src/codec/decode_ascii.ts";

Deno.test("decodeAscii() decodes the same before and after it has loaded the fast way", async () => {
  const text = Array.from(
    { length: 128 },
    (_, code) => String.fromCharCode(code),
  ).join("");
  const bytes = new TextEncoder().encode(`<${text}>`);
  const decode = () => decodeAscii(bytes, 1, bytes.length - 1);
  assertEquals(decode(), text);
  await import("node:buffer");
  await Promise.resolve();
  assertEquals(decode(), text);
});
