/**
 * Conformance tests of maps whose finished items are kept.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { JournalError } from "../../mod.ts";
import { TempJournal } from "../helpers/temp_journal.ts";
import { tasks, type Test, XS } from "./conformance_fixture.ts";

const draw = (x: number) => {
  if (x === 50) throw new RangeError(`no ${x}`);
  return `${x} ${Math.random()}`;
};

/** Registers the tests. */
export function testJournals(test: Test): void {
  for (const ordered of [true, false]) {
    test(`goes on with the map of a journal${ordered ? "" : " without order"}`, async (pool) => {
      using file = new TempJournal();
      const options = { journal: file.path, ordered };
      const read: string[] = [];
      const make = () => pool.map(draw, XS, options).settled();
      for await (const item of make()) {
        if (item.status === "rejected") continue;
        if (read.push(item.value) === 30) break;
      }
      assert(file.rows.length >= 30);
      const all = await make().toArray();
      const texts = all.map((item) =>
        item.status === "fulfilled" ? item.value : `${item.reason}`
      );
      assertEquals(new Set(texts).size, XS.length);
      for (const text of read) assert(texts.includes(text));
      assert(texts.includes("RangeError: no 50"));
      assertEquals(file.rows.length, XS.length);
    });
  }

  test("goes on with the journal of a task module", async (pool) => {
    using file = new TempJournal();
    const run = (names: string[]) =>
      pool.map(tasks.greet, names, { journal: file.path }).toArray();
    assertEquals(await run(["Ann", "Bob"]), ["Hello, Ann", "Hello, Bob"]);
    await assertRejects(() => run(["Ann", "Eve"]), JournalError, "index 1");
    assertEquals(await run(["Ann", "Bob"]), ["Hello, Ann", "Hello, Bob"]);
  });
}
