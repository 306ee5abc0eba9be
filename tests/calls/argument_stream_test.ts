import { assert, assertEquals, assertFalse, assertThrows } from "@std/assert";
import {
  ArgumentStream,
  takeStreams,
} from "../../src/calls/argument_stream.ts";
import type { StreamLink } from "../../src/calls/stream_link.ts";
import { Starvation } from "../../src/streams/starvation.ts";
import { settled } from "../helpers/fake_worker.ts";
import { CountedSource } from "../helpers/stream_fixture.ts";

/** A link that records what is sent. Each value has a size of 10 bytes. */
class RecordingLink implements StreamLink {
  readonly written: unknown[] = [];
  readonly closed: (readonly unknown[])[] = [];
  /** What {@linkcode StreamLink.drained} returns. */
  draining: Promise<void> | undefined;

  write(_stream: number, value: unknown): number {
    if (typeof value === "function") throw new DOMException("unsendable");
    this.written.push(value);
    return 10;
  }

  flush(): void {}

  drained(): Promise<void> | undefined {
    return this.draining;
  }

  close(_stream: number, errors: readonly unknown[]): void {
    this.closed.push(errors);
  }

  grantMessages(): void {}

  grantOutput(): void {}
}

/** Opens a stream, for a task that is never paused. */
function open(argument: AsyncIterable<unknown>): {
  stream: ArgumentStream;
  link: RecordingLink;
} {
  const stream = new ArgumentStream(0, argument);
  const link = new RecordingLink();
  const starvation = new Starvation({ paused() {}, resumed() {} });
  stream.open(link, 2, starvation);
  starvation.close();
  return { stream, link };
}

Deno.test("ArgumentStream sends as many values as it has credit for", async () => {
  const source = new CountedSource();
  const { stream, link } = open(source.stream);
  await settled();
  assertEquals([source.taken, stream.isUsed], [0, false]);
  stream.grant({ values: 3, bytes: 1_000 });
  await settled();
  assertEquals([link.written, stream.isUsed], [[0, 1, 2], true]);
  stream.grant({ values: 5, bytes: 0 });
  stream.grant({ values: 0, bytes: 0 });
  await settled();
  assertEquals(link.written.length, 8);
  stream.end("enough");
  assertEquals(await source.closed, "enough");
  assertEquals([source.taken, link.closed], [8, []]);
});

Deno.test("ArgumentStream sends as many bytes as it has credit for, and a value more", async () => {
  const source = new CountedSource();
  const { stream, link } = open(source.stream);
  stream.grant({ values: 100, bytes: 25 });
  await settled();
  assertEquals(link.written.length, 3);
  stream.end("enough");
});

Deno.test("ArgumentStream waits until the memory of a value was sent", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const source = new CountedSource(3);
  const { stream, link } = open(source.stream);
  link.draining = promise;
  stream.grant({ values: 100, bytes: 1_000 });
  await settled();
  assertEquals(source.taken, 1);
  resolve();
  await settled();
  assertEquals([link.written, link.closed], [[0, 1, 2], [[]]]);
});

Deno.test("ArgumentStream closes with the error of its source, or of a value", async () => {
  const error = new RangeError("on purpose");
  const failing = open((async function* () {
    yield 1;
    throw error;
  })());
  failing.stream.grant({ values: 9, bytes: 99 });
  await settled();
  assertEquals([failing.link.written, failing.link.closed], [[1], [[error]]]);

  let isClosed = false;
  const unsendable = open((async function* () {
    try {
      yield () => {};
    } finally {
      isClosed = true;
    }
  })());
  unsendable.stream.grant({ values: 9, bytes: 99 });
  await settled();
  assert(unsendable.link.closed[0]![0] instanceof DOMException);
  assert(isClosed);
});

Deno.test("ArgumentStream ignores credit after its end, and errors while it closes", async () => {
  const { stream, link } = open({
    [Symbol.asyncIterator]: () => ({
      next: () => Promise.resolve({ done: false, value: 1 }),
      return: () => Promise.reject(new Error("nobody gets this")),
    }),
  });
  stream.end("enough");
  stream.end("again");
  stream.grant({ values: 9, bytes: 99 });
  await settled();
  assertEquals([link.written, link.closed], [[], []]);
});

Deno.test("takeStreams() takes all streams, or leaves all untouched", () => {
  const [first, second] = [new ReadableStream(), new ReadableStream()];
  const generator = (async function* () {})();
  const args: unknown[] = [1, first, { then: 1 }, generator, [second]];
  assertEquals(
    takeStreams(args)?.map(({ index }) => index),
    [1, 3],
  );
  assertEquals(args, [1, undefined, { then: 1 }, undefined, [second]]);
  assert(first.locked);
  assertEquals(takeStreams([1, "text", null, undefined, [second]]), undefined);
  const bad = [second, first];
  assertThrows(() => takeStreams(bad), TypeError, "'args[1]'");
  assertThrows(() => takeStreams([second, second]), TypeError, "same");
  assertFalse(second.locked);
  assertEquals(bad, [second, first]);
});
