import { getEnv } from "../../util/get_env.ts";
import type { LaunchFile } from "./launcher.ts";

/** The folder of all pools' folders, below the user's home. */
const PARENT = ".cache/distex/jobs";

/** The file that the owner of a folder keeps locked while it runs. */
const LOCK_FILE = "lock";

/** The names of folders: the owner's machine, and a random number. */
const NAME = /^(.+)-[0-9a-f]{16}$/;

/**
 * A folder for the files that agents read, which their machines share with this
 * one. Only this user can enter it.
 */
export class JobFolder {
  /** Its path; it needn't exist. */
  readonly path: string;
  readonly #parent: string;
  /** This machine's name: others may not see its locks. */
  readonly #machine: string;
  /** Whether the user has no home folder. */
  readonly #isHomeless: boolean;
  #isMade = false;
  #lock: Deno.FsFile | undefined;

  /**
   * Constructs a folder that doesn't exist yet.
   *
   * @param parent The folder to make it in. The default is below the user's
   * home.
   */
  constructor(parent: string | undefined, machine: string) {
    const home = getEnv("HOME");
    this.#isHomeless = parent === undefined && home === undefined;
    this.#parent = parent ?? `${home ?? "~"}/${PARENT}`;
    this.#machine = machine;
    const random = crypto.getRandomValues(new Uint8Array(8)).toHex();
    this.path = `${this.#parent}/${machine}-${random}`;
  }

  /**
   * Makes the folder.
   *
   * @throws {Error} If that fails.
   */
  async make(): Promise<void> {
    if (this.#isHomeless) throw new Error("HOME isn't set");
    await Deno.mkdir(this.#parent, { recursive: true, mode: 0o700 });
    await Deno.mkdir(this.path, { mode: 0o700 });
    this.#isMade = true;
    try {
      const path = `${this.path}/${LOCK_FILE}`;
      this.#lock = await Deno.open(`${path}.new`, {
        write: true,
        create: true,
      });
      // A file system without locks may never answer.
      if (await this.#lock.tryLock(true)) {
        await Deno.rename(`${path}.new`, path);
      }
    } catch {
      // Without locks, only the owner removes the folder.
    }
  }

  /**
   * Writes files into the folder.
   *
   * @throws {Error} If that fails.
   */
  async write(files: readonly LaunchFile[]): Promise<void> {
    for (const { name, text, isSecret } of files) {
      const mode = isSecret ? 0o600 : 0o644;
      const path = `${this.path}/${name}`;
      await Deno.writeTextFile(path, text, { mode, createNew: true });
    }
  }

  /** Removes the folder with its content; does nothing if there is none. */
  async remove(): Promise<void> {
    if (!this.#isMade) return;
    this.#lock?.close();
    this.#lock = undefined;
    await removeFolder(this.path);
  }

  /**
   * Removes the folders whose owners are dead: programs on this machine that
   * were killed together with their reapers.
   */
  async removeAbandoned(): Promise<void> {
    for await (const { name, isDirectory } of Deno.readDir(this.#parent)) {
      const path = `${this.#parent}/${name}`;
      const [, machine] = name.match(NAME) ?? [];
      if (!isDirectory || machine !== this.#machine || path === this.path) {
        continue;
      }
      // It may be removed at the same time.
      await removeIfAbandoned(path).catch(() => {});
    }
  }
}

async function removeIfAbandoned(path: string): Promise<void> {
  using lock = await Deno.open(`${path}/${LOCK_FILE}`, { write: true });
  // The system releases the lock when the owner ends, even after SIGKILL.
  if (await lock.tryLock(true)) await removeFolder(path);
}

async function removeFolder(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
