import { assert, assertEquals, assertThrows } from "@std/assert";
import { JournalError } from "../../mod.ts";
import { Journal } from "../../src/journal/journal.ts";
import { FakeTime } from "../helpers/fake_time.ts";
import { TASK } from "../helpers/fake_worker.ts";
import { TempJournal } from "../helpers/temp_journal.ts";

/** Fakes time, and the clock of the journal with it. */
class FakeClock implements Disposable {
  readonly #time = new FakeTime();
  readonly #now = performance.now;

  constructor() {
    performance.now = () => this.#time.now;
  }

  /** Lets time pass, in milliseconds. */
  tick(milliseconds: number): void {
    this.#time.tick(milliseconds);
  }

  [Symbol.dispose](): void {
    performance.now = this.#now;
    this.#time.restore();
  }
}

/** Opens a journal whose items aren't in chunks. */
function open(path: string, onError = (_: unknown) => {}): Promise<Journal> {
  const map = { task: TASK, spread: false, codec: "msgpack" } as const;
  const settings = { path, failed: "retry", task: undefined } as const;
  return Journal.open({ settings, map, key: undefined }, onError);
}

/** Records the result of an item, and returns whether it is committed. */
function record(journal: Journal, index: number): () => boolean {
  let isCommitted = false;
  assertEquals(journal.find(index, index), undefined);
  journal.record(index, [{ failed: false, value: -index }], () => {
    isCommitted = true;
  });
  return () => isCommitted;
}

Deno.test("Journal.record() commits the first results at once, and later ones together", async () => {
  using file = new TempJournal();
  using time = new FakeClock();
  using journal = await open(file.path);
  const first = record(journal, 0);
  assertEquals(first(), false);
  time.tick(0);
  assertEquals(first(), true);
  const second = record(journal, 1);
  time.tick(39);
  const third = record(journal, 2);
  assertEquals([second(), third()], [false, false]);
  time.tick(1);
  assertEquals([second(), third()], [true, true]);
  assertEquals(file.rows.length, 3);
});

Deno.test("Journal makes the disk keep what was committed after 5 seconds, even if no more results come", async () => {
  using file = new TempJournal();
  using time = new FakeTime();
  using journal = await open(file.path);
  const before = Deno.statSync(file.path).size;
  for (let index = 0; index < 1_000; index++) record(journal, index);
  time.tick(0);
  time.tick(4_900);
  assertEquals(Deno.statSync(file.path).size, before);
  time.tick(200);
  assert(Deno.statSync(file.path).size > before);
});

Deno.test("Journal commits what was recorded when it is closed", async () => {
  using file = new TempJournal();
  {
    using journal = await open(file.path);
    record(journal, 0);
  }
  using journal = await open(file.path);
  const { failed, value } = journal.find(0, 0)!;
  assertEquals([failed, value], [false, -0]);
  assertThrows(() => journal.find("0", 0), JournalError, "index 0");
});

Deno.test("Journal.find() needs no item to be in order", async () => {
  using file = new TempJournal();
  {
    using journal = await open(file.path);
    for (const index of [5, 3, 4]) record(journal, index);
  }
  using journal = await open(file.path);
  const found = [2, 3, 4, 5, 6].map((index) => journal.find(index, index));
  assertEquals(found.map((item) => item?.value), [
    undefined,
    -3,
    -4,
    -5,
    undefined,
  ]);
});

Deno.test("Journal reports results that can't be written, and drops what waits for them", async () => {
  using file = new TempJournal();
  const errors: unknown[] = [];
  using time = new FakeTime();
  using journal = await open(file.path, (error) => errors.push(error));
  file.exec("ALTER TABLE items RENAME COLUMN value TO other");
  const isCommitted = record(journal, 0);
  time.tick(0);
  assertEquals(isCommitted(), false);
  assert(errors[0] instanceof JournalError);
  assertEquals(file.files, ["run.db"]);
});
