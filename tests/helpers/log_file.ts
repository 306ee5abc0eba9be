/**
 * A file that a process of a test writes its log to. A pipe would have to be
 * read all the time, across tests, where it is taken for a leak.
 */
export class LogFile {
  readonly #path: string;

  /** Makes the file, which must not be there yet. */
  constructor(path: string) {
    this.#path = path;
    Deno.writeTextFileSync(path, "", { createNew: true });
  }

  /** What has been written so far. */
  text(): string {
    return Deno.readTextFileSync(this.#path);
  }

  /**
   * Waits until something is found in what has been written.
   *
   * @param find Called with all that was written; `undefined` is to wait on.
   * @param ended Settles when nothing more will be written.
   * @returns What was found; `undefined` if that has ended without it.
   */
  async until<Found>(
    find: (text: string) => Found | undefined,
    ended: Promise<unknown>,
  ): Promise<Found | undefined> {
    const watcher = Deno.watchFs(this.#path);
    const changes = watcher[Symbol.asyncIterator]();
    let isOver = false;
    const over = ended.then(() => isOver = true);
    try {
      for (;;) {
        const wasOver = isOver;
        const found = find(this.text());
        if (found !== undefined || wasOver) return found;
        await Promise.race([changes.next(), over]);
      }
    } finally {
      watcher.close();
    }
  }
}
