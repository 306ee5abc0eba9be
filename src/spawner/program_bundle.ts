/** The program of a worker in one file, which may not exist yet. */
export interface ProgramBundle {
  /** Returns the file's path, or `undefined` if there is no file. */
  find(): Promise<string | undefined>;
  /**
   * Makes the file.
   *
   * @param signal Stops this when it is aborted.
   * @throws {Error} If the file can't be made.
   */
  make(signal: AbortSignal): Promise<void>;
}
