import { assertEquals } from "@std/assert";
import { type MapResults, Pool } from "../../mod.ts";
import { DISPLAY, type MediaBundle } from "../../src/util/display_table.ts";

/** Returns what a notebook displays for a map. */
function display(results: MapResults<unknown>): string {
  const { [DISPLAY]: format } = results as unknown as {
    [DISPLAY](): MediaBundle;
  };
  return format.call(results)["text/plain"];
}

Deno.test("a map displays how far it has come", async () => {
  await using pool = new Pool(1);
  const results = pool.map(
    function half(x: number): number {
      return x / 2;
    },
    [2, 4, 6],
    { chunkSize: 1 },
  );

  assertEquals(
    display(results),
    `
task  state                          items taken  done  order of results
half  not started: read its results            0     0  as the items`
      .trimStart(),
  );
  await results.toArray();
  assertEquals(
    display(results),
    `
task  state  items taken  done  order of results
half  ended            3     3  as the items`.trimStart(),
  );
});

Deno.test("a map that takes items displays their number", async () => {
  await using pool = new Pool(1);
  function same(x: number): number {
    return x;
  }
  async function* endless(): AsyncGenerator<number> {
    for (const item of [1, 2]) yield item;
    await Promise.withResolvers().promise;
  }
  const results = pool.map(same, endless(), { ordered: false });
  await results.next();
  await results.next();

  assertEquals(
    display(results),
    `
task  state    items taken  done  order of results
same  running            2     2  as the tasks finish`.trimStart(),
  );
  await results.return?.();
});

Deno.test("a map whose items have failed displays their number", async () => {
  await using pool = new Pool(1);
  const results = pool.map(function even(x: number): number {
    if (x % 2 === 1) throw new RangeError("odd");
    return x;
  }, [1, 2]).settled();
  await results.toArray();

  assertEquals(
    display(results),
    `
task  state  items taken  done  failed  order of results
even  ended            2     1       1  as the items`.trimStart(),
  );
});
