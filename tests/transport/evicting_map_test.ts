import { assert, assertEquals, assertFalse } from "@std/assert";
import { EvictingMap } from "../../src/transport/evicting_map.ts";

Deno.test("EvictingMap.set() evicts the oldest entry when the map is full", () => {
  const evicted: number[] = [];
  const map = new EvictingMap<string, number>(() => 2, (n) => evicted.push(n));
  map.set("a", 1);
  map.set("b", 2);
  assertEquals(evicted, []);
  map.set("c", 3);
  assertEquals(evicted, [1]);
  assertEquals(["a", "b", "c"].map((key) => map.has(key)), [false, true, true]);
});

Deno.test("EvictingMap.set() follows a limit that changes", () => {
  const evicted: number[] = [];
  let limit = 1;
  const map = new EvictingMap<string, number>(
    () => limit,
    (n) => evicted.push(n),
  );
  map.set("a", 1);
  limit = 2;
  map.set("b", 2);
  assertEquals(evicted, []);
});

Deno.test("EvictingMap.delete() removes an entry without evicting it", () => {
  const map = new EvictingMap<string, number>(() => 9, () => assert(false));
  map.set("a", 1);
  assert(map.delete("a"));
  assertFalse(map.delete("a"));
  map.evict("a");
});

Deno.test("EvictingMap.evictAll() evicts each entry once", () => {
  const evicted: number[] = [];
  const map = new EvictingMap<string, number>(() => 9, (n) => evicted.push(n));
  map.set("a", 1);
  map.set("b", 2);
  map.evictAll();
  map.evictAll();
  assertEquals(evicted, [1, 2]);
});

Deno.test("EvictingMap.values() returns the values from the oldest to the newest", () => {
  const map = new EvictingMap<string, number>(() => 9, () => assert(false));
  map.set("b", 1);
  map.set("a", 2);
  assertEquals([...map.values()], [1, 2]);
  assertEquals(map.size, 2);
});
