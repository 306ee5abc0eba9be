import { assertEquals, assertMatch } from "@std/assert";
import { linesOf } from "../helpers/examples.ts";

const SQUARES = Array.from({ length: 100 }, (_, n) => `${n * n}`);

Deno.test("squares example prints a hundred squares in order", async () => {
  assertEquals(await linesOf("squares.ts"), SQUARES);
});

Deno.test("futures example prints the outcome of each kind of call", async () => {
  assertEquals(await linesOf("futures.ts"), [
    "done before: false",
    "callback: true",
    "result: 1024",
    "done after: true",
    "run: 81",
    "exception: true RangeError: too much",
    "cancel: true true",
    "sum: 14 not done: 0",
    "timeout: true",
  ]);
});

Deno.test("maps example prints the results of each kind of map", async () => {
  const lines = await linesOf("maps.ts");
  const [unordered] = lines.splice(3, 1);
  assertEquals(lines, [
    "iterables: [ 4, 6, 10 ]",
    "spread: [ -10, -4 ]",
    "ordered: [ 500, 0 ]",
    "chunks: 50005000",
    'bound: [ "two", "zero" ]',
    "timeout: TimeoutError",
  ]);
  assertMatch(unordered ?? "", /^unordered: \[ (?:0, 500|500, 0) \]$/);
});

Deno.test("life cycle example follows a pool from its start to its end", async () => {
  assertEquals(await linesOf("life_cycle.ts"), [
    "ready at first: false",
    "ready: true with 2 workers",
    "processes: 2",
    "last task: done",
    "ready at last: false",
  ]);
});

Deno.test("pool options example starts a pool with its first task", async () => {
  assertEquals(await linesOf("pool_options.ts"), [
    "workers at first: 0",
    '[ "Hello, worker!", "Hello, worker!" ]',
    "workers: 2",
    "one object: true",
  ]);
});

Deno.test("pool map example maps events and streams, and prints an error", async () => {
  assertEquals(await linesOf("pool_map.ts"), [
    "RxJS: [ 1, 2, 3 ]",
    "Web Streams: [ 4, 5, 6 ]",
    "before the error: 7",
    "error: RangeError: -1 has no root",
  ]);
});
