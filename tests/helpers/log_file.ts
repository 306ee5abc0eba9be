/** How long to wait for a line, in milliseconds. */
const TIMEOUT = 60_000;

/**
 * A file for the log of a test's process. A pipe would have to be read across
 * tests, which would count as a leak.
 */
export class LogFile {
  readonly #path: string;

  /** Makes the file, which must not exist yet. */
  constructor(path: string) {
    this.#path = path;
    Deno.writeTextFileSync(path, "", { createNew: true });
  }

  /** The content so far. */
  text(): string {
    return Deno.readTextFileSync(this.#path);
  }

  /**
   * Waits until something is found in the log.
   *
   * @param find Called with the content; returns `undefined` to wait for more.
   * @param ended Settles when nothing more will be written.
   * @returns The result of `find`; `undefined` if the log ended without it, or
   * if it didn't appear within a minute.
   */
  async until<Found>(
    find: (text: string) => Found | undefined,
    ended: Promise<unknown>,
  ): Promise<Found | undefined> {
    const watcher = Deno.watchFs(this.#path);
    const changes = watcher[Symbol.asyncIterator]();
    let isOver = false;
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, TIMEOUT);
    const over = Promise.race([ended, late.promise]).then(() => isOver = true);
    try {
      for (;;) {
        const wasOver = isOver;
        const found = find(this.text());
        if (found !== undefined || wasOver) return found;
        await Promise.race([changes.next(), over]);
      }
    } finally {
      clearTimeout(timer);
      watcher.close();
    }
  }
}
