import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { Pool } from "../../mod.ts";
import { type ProgressOptions, showProgress } from "../../progress.ts";

const same = (x: number): number => x;

Deno.test("showProgress() returns the map that it shows", async () => {
  await using pool = new Pool(1);
  const map = pool.map(same, [1, 2]).settled();
  assertStrictEquals(showProgress(map, { clear: true }), map);
  assertEquals(await map.toArray(), [
    { index: 0, status: "fulfilled", value: 1 },
    { index: 1, status: "fulfilled", value: 2 },
  ]);
});

Deno.test("showProgress() doesn't start the map", async () => {
  await using pool = new Pool({ workers: 1, lazy: true });
  const map = showProgress(pool.map(same, [1, 2]), { clear: true });
  assertEquals(map.progress.phase, "idle");
  await map.return!();
});

/** Wrong options, and what their errors say. */
const WRONG: [unknown, string][] = [
  [{ label: 5 }, "'label' must be a string, but is 5"],
  [{ clear: 1 }, "'clear' must be true or false, but is 1"],
  [{ colour: "red" }, "colour"],
  [5, "The options of showProgress() must be an object, but are 5"],
];

for (const [options, message] of WRONG) {
  Deno.test(`showProgress() refuses the options ${Deno.inspect(options)}`, async () => {
    await using pool = new Pool({ workers: 1, lazy: true });
    const map = pool.map(same, [1]);
    assertThrows(
      () => showProgress(map, options as ProgressOptions),
      TypeError,
      message,
    );
    await map.return!();
  });
}

Deno.test("showProgress() refuses what isn't a map", () => {
  assertThrows(
    () => showProgress([1] as never),
    TypeError,
    "'map' must be the result of map(), but is [ 1 ]",
  );
});
