import { assertEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { LoggedProcess } from "./logged_process.ts";
import { until } from "./processes.ts";
import { realDelay } from "./real_timers.ts";

const PROGRAM = new URL("../programs/journal_map.ts", import.meta.url).href;

/** How the program reads its map, and how it identifies items. */
export type JournalMode = "ordered" | "unordered" | "settled" | "keyed";

/** Runs of a program whose map has a journal, in a folder of their own. */
export class JournalRuns implements AsyncDisposable {
  readonly #folder: string;
  readonly #count: number;
  readonly #mode: JournalMode;
  /** How many bytes of effects there were when each item was recorded. */
  readonly #recorded = new Map<number, number>();
  #runs = 0;

  /**
   * Makes the folder.
   *
   * @param count The number of items.
   */
  constructor(count: number, mode: JournalMode) {
    this.#folder = Deno.makeTempDirSync({ prefix: "distex-journal-" });
    this.#count = count;
    this.#mode = mode;
  }

  /** How many items are recorded. */
  get recorded(): number {
    return this.#recorded.size;
  }

  /**
   * Runs the program, and kills it.
   *
   * @param from When the delay begins: when the map is read, when an item of
   * this run has left its number, or when a result was read.
   * @param delay The delay, in milliseconds.
   */
  async kill(
    from: "start" | "effect" | "result",
    delay: number,
  ): Promise<void> {
    const read = () =>
      from === "result"
        ? readText(`${this.#folder}/read`)
        : this.#effectsText();
    const before = read().length;
    await using program = this.#start();
    let hasEnded = false;
    const ended = program.ended().then(() => hasEnded = true);
    await program.logged(/^started/);
    if (from !== "start") {
      await until(() => hasEnded || read().length > before);
    }
    await realDelay(delay);
    if (!hasEnded) program.kill("SIGKILL");
    await ended;
    this.#takeNote();
  }

  /** Runs the program to its end, and checks the answers and the effects. */
  async finish(): Promise<void> {
    {
      await using program = this.#start();
      const { code, stderr } = await program.ended();
      assertEquals(code, 0, stderr);
    }
    const answers = Deno.readTextFileSync(`${this.#folder}/answers`)
      .split("\n");
    const isOrdered = this.#mode === "ordered" || this.#mode === "settled";
    const expected = this.#expected();
    assertEquals(
      isOrdered ? answers : answers.sort(),
      isOrdered ? expected : expected.sort(),
    );
    const effects = this.#effects();
    assertEquals(new Set(effects.map(({ item }) => item)).size, this.#count);
    const twice = effects.filter(({ item, at }) =>
      at >= (this.#recorded.get(item) ?? Infinity)
    );
    assertEquals(twice, []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }

  #start(): LoggedProcess {
    const folder = `${this.#folder}/${this.#runs++}`;
    Deno.mkdirSync(folder);
    const args = [this.#folder, String(this.#count), this.#mode];
    // A storm doesn't disturb processes without its mark.
    const env = { DISTEX_TEST_STORM: "" };
    return new LoggedProcess("journal_map.ts", PROGRAM, args, folder, { env });
  }

  /** Takes note of what is recorded, in a copy: the next run finds the crash. */
  #takeNote(): void {
    const copy = Deno.makeTempDirSync({ dir: this.#folder });
    for (const { name } of Deno.readDirSync(this.#folder)) {
      if (!/^run\.db(-wal)?$/.test(name)) continue;
      Deno.copyFileSync(`${this.#folder}/${name}`, `${copy}/${name}`);
    }
    const { length } = this.#effectsText();
    for (const item of readItems(`${copy}/run.db`, this.#mode)) {
      if (!this.#recorded.has(item)) this.#recorded.set(item, length);
    }
    const lines = readText(`${this.#folder}/read`).split("\n");
    // The last line may be incomplete.
    const unrecorded = lines.slice(0, -1)
      .filter((line) => !this.#recorded.has(parseInt(line)));
    assertEquals(unrecorded, []);
  }

  #expected(): string[] {
    return Array.from({ length: this.#count }, (_, x) => {
      const hasFailed = this.#mode === "settled" && x % 1_000 === 7;
      return hasFailed ? `${x} no ${x}` : `${x} ${x * 2}`;
    });
  }

  #effectsText(): string {
    return readText(`${this.#folder}/effects`);
  }

  /** Returns the items that have run, and at which position they left that. */
  #effects(): { item: number; at: number }[] {
    let at = 0;
    return this.#effectsText().trimEnd().split("\n").map((line) => {
      const effect = { item: Number(line), at };
      at += line.length + 1;
      return effect;
    });
  }
}

/** Returns the text of a file; `""` if it doesn't exist. */
function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

/** Returns the items that a journal has; none if it has no tables yet. */
function readItems(path: string, mode: JournalMode): number[] {
  const database = new DatabaseSync(path);
  try {
    const tables = database
      .prepare("SELECT name FROM sqlite_schema WHERE name = 'items'").all();
    if (tables.length === 0) return [];
    const column = mode === "keyed" ? "substr(key, 6)" : "item";
    return database.prepare(`SELECT ${column} AS item FROM items`).all()
      .map(({ item }) => Number(item));
  } finally {
    database.close();
  }
}
