import { assert, assertEquals, assertRejects } from "@std/assert";
import { ChunkSize } from "../../src/map/chunk_size.ts";
import { MapFeed } from "../../src/map/map_feed.ts";
import { PushedItems } from "../../src/map/pushed_items.ts";
import { nextTurn } from "../../src/util/next_turn.ts";

/** Pushed items, and the chunks that their feed submitted. */
class Bench {
  readonly items = new PushedItems();
  readonly given: unknown[] = [];
  /** How many more chunks are wanted. */
  wanted = 0;
  readonly feed: MapFeed;

  constructor(chunkSize: number | "auto") {
    this.feed = new MapFeed(this.items, new ChunkSize(chunkSize), {
      wants: () => this.wanted > 0,
      needsFirst: () => false,
      most: () => Infinity,
      submit: (items) => {
        this.wanted--;
        this.given.push(items);
      },
      end: (_part, error) => this.given.push(error?.reason ?? "end"),
    });
  }

  /** Requests chunks. */
  fill(wanted: number): void {
    this.wanted = wanted;
    this.feed.fill();
  }
}

Deno.test("PushedItems takes items without waiting while chunks are wanted", () => {
  const bench = new Bench(1);
  bench.fill(2);
  assertEquals(bench.items.push("a"), undefined);
  assertEquals(bench.items.push("b"), undefined);
  assertEquals(bench.given, [["a"], ["b"]]);
});

Deno.test("PushedItems keeps an item until a chunk is wanted", async () => {
  const bench = new Bench(1);
  bench.fill(0);
  const taken = bench.items.push("a");
  bench.fill(0);
  assertEquals(bench.given, []);
  bench.fill(1);
  assertEquals(bench.given, [["a"]]);
  await taken;
});

Deno.test("PushedItems keeps the first item until the map starts, even if a chunk is wanted", async () => {
  const bench = new Bench(1);
  bench.wanted = 1;
  const taken = bench.items.push("a");
  assertEquals(bench.given, []);
  bench.feed.fill();
  assertEquals(bench.given, [["a"]]);
  await taken;
});

Deno.test("PushedItems completes a chunk although no other is wanted", () => {
  const bench = new Bench(2);
  bench.fill(1);
  assertEquals(bench.items.push("a"), undefined);
  bench.wanted = 0;
  assertEquals(bench.items.push("b"), undefined);
  assertEquals(bench.given, [["a", "b"]]);
  assert(bench.items.push("c") instanceof Promise);
});

Deno.test("PushedItems waits for a chunk of a fixed size to be full", async () => {
  const bench = new Bench(2);
  bench.fill(1);
  bench.items.push("a");
  await nextTurn();
  assertEquals(bench.given, []);
  bench.items.end();
  assertEquals(bench.given, [["a"], "end"]);
});

Deno.test("PushedItems lets items wait one turn for others to share an automatic chunk", async () => {
  const size = new ChunkSize("auto");
  size.measured(1, 1, 1);
  const items = new PushedItems();
  const given: unknown[] = [];
  const feed = new MapFeed(items, size, {
    wants: () => true,
    needsFirst: () => false,
    most: () => Infinity,
    submit: (items) => given.push(items),
    end: () => given.push("end"),
  });
  feed.fill();
  items.push("a");
  assertEquals(given, []);
  await nextTurn();
  assertEquals(given, [["a"]]);
});

Deno.test("PushedItems ends when the map starts, if it has ended before", () => {
  const bench = new Bench(1);
  bench.items.end();
  assertEquals(bench.given, []);
  bench.fill(0);
  bench.fill(0);
  assertEquals(bench.given, ["end"]);
});

Deno.test("PushedItems takes nothing after the feed has stopped", async () => {
  const bench = new Bench(1);
  bench.fill(1);
  await bench.feed.close();
  const taken = bench.items.push("a");
  bench.fill(1);
  bench.items.fail(new RangeError("stopped"));
  await assertRejects(() => taken!, RangeError, "stopped");
  assertEquals(bench.given, []);
});
