import { assertEquals, assertNotEquals } from "@std/assert";
import { Digests } from "../../src/journal/digests.ts";

Deno.test("Digests.of() leaves out when a file has changed", () => {
  const digests = new Digests(undefined);
  const of = (name: string, lastModified: number) =>
    digests.of({ file: new File(["content"], name, { lastModified }) });
  assertEquals(of("a.txt", 1), of("a.txt", 2));
  assertNotEquals(of("a.txt", 1), of("b.txt", 1));
});
