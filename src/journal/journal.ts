import { Decoder } from "../codec/decoder.ts";
import { loadV8Serializer, type V8Serializer } from "../codec/v8_serializer.ts";
import { JournalError } from "../errors/journal_error.ts";
import { wrongType, wrongValue } from "../options/option_checks.ts";
import type { JournalSettings } from "../options/journal_settings.ts";
import { Digests, equals } from "./digests.ts";
import { JournalFile, type NewRow } from "./journal_file.ts";
import {
  describeDifferences,
  type JournaledMap,
  makeHeader,
} from "./journal_header.ts";
import { ValueWriter } from "./value_writer.ts";

/** How often results are committed at most, in milliseconds. */
const COMMIT_INTERVAL = 40;

/** Results of this many bytes are committed without waiting for others. */
const MAX_WAITING_BYTES = 2 ** 23;

/**
 * After which time the disk is made to keep what was committed, in milliseconds.
 * What comes after is lost if the machine loses power.
 */
const SYNC_INTERVAL = 5_000;

/** The longest text of an error that is kept for people to read. */
const MAX_ERROR_LENGTH = 1_000;

/** Returns the key of an item. */
export type KeyOf = (item: unknown) => unknown;

/** How an item has ended. */
export interface Ending {
  /** Whether its task has thrown. */
  readonly failed: boolean;
  /** What it has returned or thrown. */
  readonly value: unknown;
}

/** How an item has ended in an earlier run. */
export interface Recorded extends Ending {
  /** The size of the value in the journal. */
  readonly bytes: number;
}

/** What a map needs to open its journal. */
export interface JournalPlan {
  readonly settings: JournalSettings;
  readonly map: JournaledMap;
  /** Returns the key of an item, if the program gives items keys. */
  readonly key: KeyOf | undefined;
}

/**
 * The finished items of a map, on disk.
 *
 * Results are collected and committed together: results that come while the
 * journal is idle at once, others a short time after the commit before.
 */
export class Journal implements Disposable {
  readonly #plan: JournalPlan;
  readonly #file: JournalFile;
  readonly #digests: Digests;
  readonly #writer: ValueWriter;
  readonly #decoder = new Decoder();
  readonly #onError: (error: unknown) => void;
  /** The greatest index of an item that may have ended in an earlier run. */
  readonly #last: number;
  /** The digests or keys of the items that haven't ended. */
  readonly #open = new Map<number, Uint8Array | string>();
  /** The index of the item with each key, in this run. */
  readonly #indexes = new Map<string, number>();
  /** The rows to commit, their size, and what to do then. */
  #rows: NewRow[] = [];
  #bytes = 0;
  #committed: (() => void)[] = [];
  #committedAt = -Infinity;
  #syncTimer: ReturnType<typeof setTimeout> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Whether the timer expires at once. */
  #isDue = false;
  /** Whether the journal takes nothing any more. */
  #hasEnded = false;

  private constructor(
    plan: JournalPlan,
    file: JournalFile,
    digests: Digests,
    serializer: V8Serializer | undefined,
    onError: (error: unknown) => void,
  ) {
    this.#plan = plan;
    this.#file = file;
    this.#digests = digests;
    this.#writer = new ValueWriter(serializer);
    this.#decoder.serializer = serializer;
    this.#onError = onError;
    this.#last = file.last;
  }

  /**
   * Opens the journal of a map, or makes it.
   *
   * @param onError Handles that results can't be written.
   * @throws {JournalError} If the file can't be used, or belongs to another map.
   */
  static async open(
    plan: JournalPlan,
    onError: (error: unknown) => void,
  ): Promise<Journal> {
    const { settings, map, key } = plan;
    const { path, task } = settings;
    const serializer = map.codec === "structured"
      ? await loadV8Serializer()
      : undefined;
    const digests = new Digests(serializer);
    const header = makeHeader(map, digests, task, key !== undefined);
    const file = await JournalFile.open(path, header);
    try {
      if (file.kept !== undefined) {
        const isNamed = task !== undefined;
        const differences = describeDifferences(file.kept, header, isNamed);
        if (differences !== undefined) {
          throw new JournalError(
            path,
            `The journal '${path}' belongs to another map: ${differences}`,
          );
        }
        if (isNamed) file.setHeader(header);
      }
      return new Journal(plan, file, digests, serializer, onError);
    } catch (error) {
      file[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * Returns how an item has ended in an earlier run; `undefined` if it must run.
   *
   * @throws {JournalError} If the journal has another item of this index, or the
   * item's key was another item's before.
   * @throws {TypeError} If its key isn't a string.
   * @throws {RangeError} If its key has a lone surrogate.
   */
  find(item: unknown, index: number): Recorded | undefined {
    const { key, settings } = this.#plan;
    const id = key === undefined ? index : this.#keyOf(key, item, index);
    const digest = typeof id === "string" ? undefined : this.#digestOf(item);
    const row = index <= this.#last ? this.#file.find(id) : undefined;
    if (row !== undefined && typeof id === "number") {
      if (digest === undefined || !equals(digest, row.digest!)) {
        throw otherItem(settings.path, index);
      }
    }
    const failed = row !== undefined && row.error !== null;
    if (row === undefined || failed && settings.failed === "retry") {
      const open = digest ?? id;
      if (typeof open !== "number") this.#open.set(index, open);
      return undefined;
    }
    const { value: bytes } = row;
    return { failed, value: this.#decode(bytes, index), bytes: bytes.length };
  }

  /**
   * Records how items have ended.
   *
   * @param first The index of the first item.
   * @param endings How that item and those after it have ended; `undefined` for
   * items that aren't recorded.
   * @param committed Called when the disk has all of them.
   */
  record(
    first: number,
    endings: readonly (Ending | undefined)[],
    committed: () => void,
  ): void {
    if (this.#hasEnded) return;
    let loading: Promise<NewRow>[] | undefined;
    for (const [at, ending] of endings.entries()) {
      const row = this.#makeRow(first + at, ending);
      if (row === undefined) continue;
      if (row instanceof Promise) (loading ??= []).push(row);
      else this.#add(row);
    }
    if (loading === undefined) return this.#add(undefined, committed);
    Promise.all(loading).then((rows) => {
      for (const row of rows) this.#add(row);
      this.#add(undefined, committed);
    }, (error) => this.#fail(error));
  }

  /** Commits what was recorded. */
  commit(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isDue = false;
    if (this.#hasEnded) return;
    const rows = this.#rows;
    const committed = this.#committed;
    this.#rows = [];
    this.#bytes = 0;
    this.#committed = [];
    try {
      if (rows.length > 0) this.#write(rows);
    } catch (error) {
      return this.#fail(error);
    }
    for (const callback of committed) callback();
  }

  /**
   * Commits what was recorded, and closes the journal.
   *
   * @throws {JournalError} If it can't be written.
   */
  [Symbol.dispose](): void {
    if (this.#hasEnded) return;
    try {
      if (this.#rows.length > 0) this.#file.write(this.#rows);
    } finally {
      this.#close();
    }
  }

  #close(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#syncTimer);
    this.#rows = [];
    this.#committed = [];
    this.#file[Symbol.dispose]();
  }

  #fail(error: unknown): void {
    if (this.#hasEnded) return;
    this.#close();
    this.#onError(error);
  }

  #keyOf(keyOf: KeyOf, item: unknown, index: number): string {
    const key = keyOf(item);
    if (typeof key !== "string") {
      throw wrongType(`key(items[${index}])`, key, "a string");
    }
    if (!key.isWellFormed()) {
      throw wrongValue(
        `key(items[${index}])`,
        key,
        "a string without lone surrogates, which the file can't keep",
      );
    }
    const before = this.#indexes.get(key);
    if (before !== undefined) {
      throw new JournalError(
        this.#plan.settings.path,
        `The items ${before} and ${index} have the same key ${
          JSON.stringify(key)
        }: 'key' must return another string for each item`,
        { index },
      );
    }
    this.#indexes.set(key, index);
    return key;
  }

  /** Returns an item's digest; `undefined` if it can't be sent to a worker. */
  #digestOf(item: unknown): Uint8Array | undefined {
    try {
      return this.#digests.of(item);
    } catch {
      return undefined;
    }
  }

  #makeRow(
    index: number,
    ending: Ending | undefined,
  ): NewRow | Promise<NewRow> | undefined {
    const open = this.#open.get(index);
    if (open === undefined) return undefined;
    this.#open.delete(index);
    if (ending === undefined) return undefined;
    const id = typeof open === "string" ? open : index;
    const digest = typeof open === "string" ? undefined : open;
    const error = ending.failed ? describeError(ending.value) : null;
    const value = this.#encode(ending);
    if (value === undefined) return undefined;
    return value instanceof Promise
      ? value.then((value) => ({ id, digest, error, value }))
      : { id, digest, error, value };
  }

  /** Encodes a value; `undefined` for an error for which that is impossible. */
  #encode(
    { failed, value }: Ending,
  ): Uint8Array | Promise<Uint8Array> | undefined {
    try {
      return this.#writer.write(value);
    } catch (error) {
      // The option `retry.when` may throw anything. The item runs again.
      if (failed) return undefined;
      throw error;
    }
  }

  #decode(bytes: Uint8Array<ArrayBuffer>, index: number): unknown {
    try {
      this.#decoder.use(bytes);
      return this.#decoder.message(0, bytes.length)[0];
    } catch (cause) {
      const { path } = this.#plan.settings;
      throw new JournalError(
        path,
        `What the journal '${path}' has of the item ${index} is damaged: delete its row, and the item runs again`,
        { index, cause },
      );
    }
  }

  /** Adds a row, or what to do once those before it are committed. */
  #add(row: NewRow | undefined, committed?: () => void): void {
    if (this.#hasEnded) return;
    if (row !== undefined) {
      this.#rows.push(row);
      this.#bytes += row.value.length;
    }
    if (committed !== undefined) this.#committed.push(committed);
    const isFull = this.#bytes > MAX_WAITING_BYTES;
    if (isFull ? this.#isDue : this.#timer !== undefined) return;
    clearTimeout(this.#timer);
    const since = performance.now() - this.#committedAt;
    const delay = isFull ? 0 : Math.max(0, COMMIT_INTERVAL - since);
    this.#isDue = delay === 0;
    this.#timer = setTimeout(() => this.commit(), delay);
  }

  #write(rows: readonly NewRow[]): void {
    this.#file.write(rows);
    this.#committedAt = performance.now();
    if (this.#syncTimer !== undefined) return;
    this.#syncTimer = setTimeout(() => this.#sync(), SYNC_INTERVAL);
    // Closing the file does the same.
    Deno.unrefTimer(this.#syncTimer);
  }

  #sync(): void {
    this.#syncTimer = undefined;
    try {
      this.#file.sync();
    } catch (error) {
      this.#fail(error);
    }
  }
}

function otherItem(path: string, index: number): JournalError {
  return new JournalError(
    path,
    `The journal '${path}' has another item of index ${index}: choose another file, or give each item a key with the option 'key' of the map, in a new journal`,
    { index },
  );
}

/** Describes an error for people who read the file. */
function describeError(thrown: unknown): string {
  let text: string;
  try {
    text = String(thrown);
  } catch {
    text = "an unreadable value";
  }
  return text.slice(0, MAX_ERROR_LENGTH);
}
