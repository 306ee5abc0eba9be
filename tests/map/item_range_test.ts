import { assertEquals } from "@std/assert";
import { END } from "../../src/map/array_cursor.ts";
import { ItemRange } from "../../src/map/item_range.ts";
import { Items } from "../../src/map/items.ts";

/** Takes all items that are left, from one end. */
function takeAll(range: ItemRange, last: boolean): unknown[] {
  const taken: unknown[] = [];
  for (;;) {
    const item = range.take(last);
    if (item === END) return taken;
    taken.push(item);
  }
}

Deno.test("ItemRange.take() takes each item once from both ends", () => {
  const range = new ItemRange([["a", "b", "c", "d", "e", "f"]], 1, 5);
  assertEquals(range.take(true), "e");
  assertEquals(range.take(false), "b");
  assertEquals(range.take(true), "d");
  assertEquals(range.take(true), "c");
  assertEquals([range.take(true), range.take(false)], [END, END]);
});

Deno.test("ItemRange.take() returns a list with an element of each array", () => {
  const range = new ItemRange([[1, 2, 3], ["a", "b", "c"]], 0, 3);
  assertEquals(range.take(true), [3, "c"]);
  assertEquals(range.take(false), [1, "a"]);
});

for (const last of [false, true]) {
  Deno.test(`ItemRange.take() leaves out elements that were removed, last: ${last}`, () => {
    const letters = ["a", "b", "c", "d"];
    const range = new ItemRange([[1, 2, 3, 4], letters], 0, 4);
    letters.length = 2;
    const pairs = [[1, "a"], [2, "b"]];
    assertEquals(takeAll(range, last), last ? pairs.toReversed() : pairs);
  });
}

Deno.test("Items.halve() leaves only elements that are added later", () => {
  const array = [1, 2, 3, 4, 5, 6, 7];
  const items = new Items([array]);
  assertEquals(items.next(), 1);
  const halves = items.halve(6, 2);
  assertEquals(
    halves.map((range) => takeAll(range, false)),
    [[2, 3], [4, 5, 6, 7]],
  );
  array.push(8);
  assertEquals([items.next(), items.next()], [8, END]);
});

Deno.test("Items.halve() ends with the shortest array", () => {
  const halves = new Items([[1, 2, 3], ["a", "b", "c", "d"]]).halve(3, 1);
  assertEquals(halves.map((range) => takeAll(range, true)), [
    [[1, "a"]],
    [[3, "c"], [2, "b"]],
  ]);
});

Deno.test("Items.halve() takes nothing of few items, or if an iterable isn't an array", () => {
  const array = [1, 2, 3];
  for (
    const iterables of [[array], [array, new Set(array)], [array.values()]]
  ) {
    const items = new Items(iterables);
    const [first] = iterables.length === 1 ? [1] : [[1, 1]];
    assertEquals(items.halve(4, 1), []);
    assertEquals(items.next(), first);
  }
  assertEquals(new Items([new Set(array)]).halve(1, 1), []);
});
