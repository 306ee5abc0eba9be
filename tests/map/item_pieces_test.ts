import { assertEquals } from "@std/assert";
import { type ItemFailure, itemPieces } from "../../src/map/item_pieces.ts";

const AGAIN: ItemFailure = { reason: "again", attempts: 1, pause: 5 };
const LAST: ItemFailure = { reason: "last", attempts: 3 };

const VALUES = ["a", "b", "c", "d", "e"];

function pieces(failures: [number, ItemFailure][]) {
  const outcomes = { index: 10, values: VALUES, failures: new Map(failures) };
  return itemPieces(outcomes, undefined);
}

Deno.test("itemPieces() keeps items together of which none runs again", () => {
  const all = { index: 10, values: VALUES };
  assertEquals(
    itemPieces({ ...all, failures: undefined }, undefined),
    [all],
  );
});

Deno.test("itemPieces() divides items before each that runs again", () => {
  assertEquals(pieces([[2, AGAIN]]), [
    { index: 10, values: ["a", "b"], failed: AGAIN },
    { index: 13, values: ["d", "e"] },
  ]);
  assertEquals(pieces([[0, AGAIN], [1, AGAIN], [4, AGAIN]]), [
    { index: 10, values: [], failed: AGAIN },
    { index: 11, values: [], failed: AGAIN },
    { index: 12, values: ["c", "d"], failed: AGAIN },
  ]);
});

Deno.test("itemPieces() ends with the first item that failed for good", () => {
  const thrown = { reason: "last", index: 13 };
  assertEquals(pieces([[1, AGAIN], [3, LAST], [4, AGAIN]]), [
    { index: 10, values: ["a"], failed: AGAIN },
    { index: 12, values: ["c"], thrown },
  ]);
  assertEquals(pieces([[3, LAST]]), [
    { index: 10, values: ["a", "b", "c"], thrown },
  ]);
});

Deno.test("itemPieces() describes how settled items have ended", () => {
  const failures = new Map([[0, LAST], [1, AGAIN], [2, { reason: "lost" }]]);
  const outcomes = { index: 10, values: ["a", "b", "c", "d"], failures };
  const explain = (reason: unknown) => `it's ${reason}`;
  assertEquals(itemPieces(outcomes, explain), [
    {
      index: 10,
      values: [{
        index: 10,
        status: "rejected",
        reason: "it's last",
        attempts: 3,
      }],
      failed: AGAIN,
    },
    {
      index: 12,
      values: [
        { index: 12, status: "rejected", reason: "it's lost" },
        { index: 13, status: "fulfilled", value: "d" },
      ],
    },
  ]);
});
