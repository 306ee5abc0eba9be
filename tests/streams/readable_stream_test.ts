import { assertStrictEquals } from "@std/assert";
import { platformReadableStream } from "../../src/streams/readable_stream.ts";

Deno.test("platformReadableStream() returns the platform's class when a task has replaced the global", () => {
  const genuine = globalThis.ReadableStream;
  try {
    globalThis.ReadableStream = class {} as typeof ReadableStream;
    assertStrictEquals(platformReadableStream(), genuine);
  } finally {
    globalThis.ReadableStream = genuine;
  }
});
