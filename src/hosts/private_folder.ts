import { getEnv } from "../util/get_env.ts";
import { isGranted } from "../util/is_granted.ts";

/** The longest path of a Unix socket that all systems accept, in bytes. */
const MAX_SOCKET_PATH = 103;

/**
 * Characters that can't be escaped in paths: a comma separates paths in Deno's
 * permission flags, and `${` begins a variable for `ssh -R`.
 */
const UNQUOTABLE = /,|\$\{/;

const PREFIX = "distex-";

const isWindows = Deno.build.os === "windows";

/** The names of private folders. */
const NAME = /^distex-[0-9a-f]+$/;

/** The file that the owner of a folder keeps locked while it runs. */
const LOCK_FILE = "lock";

/** A folder for a pool's socket that only this user can enter. */
export class PrivateFolder {
  /** The folder's path. */
  readonly path: string;
  #lock: Deno.FsFile | undefined;

  private constructor(path: string) {
    this.path = path;
  }

  /**
   * Makes a new folder of mode 0700: among the system's temporary files, or in
   * `/tmp` if a socket's path would be unusable there.
   *
   * @throws {Error} If that fails.
   */
  static async make(): Promise<PrivateFolder> {
    const folder = new PrivateFolder(await makeTemporary());
    const problem = problemOf(folder.socketPath);
    if (problem === undefined) return await folder.#locked();
    await folder.remove();
    try {
      const options = { prefix: PREFIX, dir: "/tmp" };
      const other = new PrivateFolder(await Deno.makeTempDir(options));
      return await other.#locked();
    } catch (cause) {
      throw new Error(
        `The path ${folder.path} ${problem}, and no folder can be made in /tmp (${cause}): set TMPDIR to another folder, or use { transport: "tcp" }`,
        { cause },
      );
    }
  }

  /**
   * Removes this user's folders whose owners are dead: programs that were
   * killed together with their reapers. It looks only in this folder's parent.
   */
  async removeAbandoned(): Promise<void> {
    const parent = this.path.slice(0, this.path.lastIndexOf("/"));
    const uid = isWindows ? null : Deno.uid();
    if (uid === null || !isAccessible(parent)) return;
    for await (const { name } of Deno.readDir(parent)) {
      const path = `${parent}/${name}`;
      if (!NAME.test(name) || path === this.path) continue;
      // It may be another user's, or be removed at the same time.
      await removeIfAbandoned(path, uid).catch(() => {});
    }
  }

  /** The path for the socket in the folder. */
  get socketPath(): string {
    return `${this.path}/pool.sock`;
  }

  /** Removes the folder with its content; does nothing if it is gone. */
  async remove(): Promise<void> {
    this.#lock?.close();
    this.#lock = undefined;
    try {
      await Deno.remove(this.path, { recursive: true });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  /** Renames the lock file to its name only once it is locked. */
  async #locked(): Promise<this> {
    const path = `${this.path}/${LOCK_FILE}`;
    try {
      this.#lock = await Deno.open(`${path}.new`, {
        write: true,
        create: true,
      });
      await this.#lock.lock(true);
      await Deno.rename(`${path}.new`, path);
    } catch {
      // Some file systems have no locks; then only the owner removes the folder.
    }
    return this;
  }
}

async function makeTemporary(): Promise<string> {
  try {
    return await Deno.makeTempDir({ prefix: PREFIX });
  } catch (cause) {
    const tmpdir = getEnv("TMPDIR");
    const path = tmpdir === undefined ? "" : ` ${tmpdir}`;
    // Deno's own message names the way out.
    if (cause instanceof Deno.errors.NotCapable) throw cause;
    throw new Error(
      `The folder for temporary files${path} can't be used (${cause}): set TMPDIR to an existing folder that you may write to`,
      { cause },
    );
  }
}

/** Returns why the path of a socket is unusable, if so. */
function problemOf(path: string): string | undefined {
  const bytes = new TextEncoder().encode(path).length;
  if (bytes > MAX_SOCKET_PATH) return "is too long for a Unix socket";
  if (UNQUOTABLE.test(path)) return "has a comma or '${' in it";
  return undefined;
}

/** Whether the program may list and change a folder, without prompting. */
function isAccessible(path: string): boolean {
  return (["read", "write"] as const).every((name) =>
    isGranted({ name, path })
  );
}

async function removeIfAbandoned(path: string, uid: number): Promise<void> {
  const info = await Deno.lstat(path);
  const isOwn = info.isDirectory && info.uid === uid &&
    (info.mode! & 0o777) === 0o700;
  if (!isOwn) return;
  using lock = await Deno.open(`${path}/${LOCK_FILE}`, { write: true });
  // The system releases the lock when the owner ends, even after SIGKILL.
  if (await lock.tryLock(true)) await Deno.remove(path, { recursive: true });
}
