import { assert, assertEquals } from "@std/assert";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Pool } from "../../mod.ts";
import { UnreadMaps } from "../../src/map/unread_maps.ts";

/** Collects warnings until the end of the scope. */
class Warnings implements Disposable {
  readonly texts: string[] = [];
  readonly #warn = console.warn;

  constructor() {
    console.warn = (text: string) => this.texts.push(text);
  }

  [Symbol.dispose](): void {
    console.warn = this.#warn;
  }
}

Deno.test("Pool warns about an unread map when the pool ends", async () => {
  using warnings = new Warnings();
  {
    await using pool = new Pool(1);
    await pool.map(function double(x: number) {
      return 2 * x;
    }, [1, 2]);
  }
  assertEquals(warnings.texts.length, 1);
  assert(warnings.texts[0]!.includes("'double' were never read"));
});

Deno.test("Pool doesn't warn about maps that were read or closed", async () => {
  using warnings = new Warnings();
  {
    await using pool = new Pool(1);
    await pool.map((x: number) => x, [1, 2]).toArray();
    for await (const _ of pool.map((x: number) => x, [1, 2])) break;
    await pool.map((x: number) => x, [1, 2]).return!();
  }
  assertEquals(warnings.texts, []);
});

Deno.test("UnreadMaps warns when unread results are garbage-collected", async () => {
  using warnings = new Warnings();
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  const maps = new UnreadMaps();
  (() => maps.add({}, "lost"))();
  for (let turn = 0; turn < 100 && warnings.texts.length === 0; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    collect();
  }
  assert(warnings.texts[0]?.includes("'lost' were never read"));
  maps.close();
  assertEquals(warnings.texts.length, 1);
});
