import { assertEquals } from "@std/assert";
import { roughSize } from "../../src/util/rough_size.ts";

/** Returns a value that contains another value 2ⁿ times, as a shared part. */
function share(value: unknown, levels: number): unknown {
  for (; levels > 0; levels--) value = [value, value];
  return value;
}

Deno.test("roughSize() returns the size of strings and binary data", () => {
  for (const inObjects of [false, true]) {
    const bytes = new Uint8Array(7);
    const values = ["abc", bytes, bytes.buffer, new DataView(bytes.buffer, 2)];
    const sizes = values.map((value) => roughSize(value, inObjects));
    assertEquals(sizes, [3, 7, 7, 5]);
    for (const value of [undefined, null, true, 5, 5n, new Date()]) {
      assertEquals(roughSize(value, inObjects), 0);
    }
  }
});

Deno.test("roughSize() returns the size of blobs without reading them", () => {
  const blob = new Blob(["abc"]);
  for (const inObjects of [false, true]) {
    assertEquals(roughSize([blob, new File(["a"], "name")], inObjects), 4);
    assertEquals(roughSize(Object.create(Blob.prototype), inObjects), 0);
  }
});

Deno.test("roughSize() counts the elements of short arrays", () => {
  assertEquals(roughSize(["ab", ["c", new Uint8Array(3)]], false), 6);
  assertEquals(roughSize(Array(16).fill("a"), false), 16);
  assertEquals(roughSize(Array(17).fill("a"), false), 0);
});

Deno.test("roughSize() counts the properties of objects if `inObjects` is true", () => {
  const file = { name: "a.txt", bytes: new Uint8Array(9), mode: 0o644 };
  assertEquals([roughSize(file, true), roughSize(file, false)], [14, 0]);
  assertEquals(roughSize([{ file }, "ab"], true), 16);
  const wide = Object.fromEntries(Array.from("abcdefghijklmnopqrs").entries());
  assertEquals(roughSize(wide, true), 16);
});

Deno.test("roughSize() calls no getter", () => {
  const value = {
    name: "ab",
    get bytes(): Uint8Array {
      throw new Error("called");
    },
  };
  assertEquals(roughSize(value, true), 2);
});

Deno.test("roughSize() ignores deeply nested values", () => {
  assertEquals(roughSize([[["a"]]], true), 1);
  assertEquals(roughSize([[[["a"]]]], true), 0);
  assertEquals(roughSize(share("a", 600), true), 0);
  const cyclic: unknown[] = ["a"];
  cyclic.push(cyclic);
  assertEquals(roughSize(cyclic, true), 3);
});
