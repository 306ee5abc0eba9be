/** The longest path of a Unix socket that all systems take, in bytes. */
const MAX_SOCKET_PATH = 103;

/**
 * What can't be escaped: in a path, a comma begins another one for Deno's
 * permission flags, and `${` a variable for `ssh -R`.
 */
const SPECIAL = /,|\$\{/;

/** What the names of such folders begin with. */
const PREFIX = "distex-";

/** A folder that only this user can enter, for a pool's socket. */
export class PrivateFolder {
  private constructor(
    /** The folder's path. */
    readonly path: string,
  ) {}

  /**
   * Makes a new folder (mode 0700) among the system's temporary files, or in
   * `/tmp` if the path of a socket there wouldn't do.
   *
   * @throws {Error} If there is no place for it.
   */
  static async make(): Promise<PrivateFolder> {
    const folder = new PrivateFolder(await makeTemporary());
    const problem = problemOf(folder.socketPath);
    if (problem === undefined) return folder;
    await folder.remove();
    try {
      const options = { prefix: PREFIX, dir: "/tmp" };
      return new PrivateFolder(await Deno.makeTempDir(options));
    } catch (cause) {
      throw new Error(
        `The path ${folder.path} ${problem}, and there is no place in /tmp (${cause}): set TMPDIR to another folder, or use { transport: "tcp" }`,
        { cause },
      );
    }
  }

  /** The path for the socket in it. */
  get socketPath(): string {
    return `${this.path}/pool.sock`;
  }

  /** Removes the folder with all that is in it. */
  async remove(): Promise<void> {
    try {
      await Deno.remove(this.path, { recursive: true });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

async function makeTemporary(): Promise<string> {
  try {
    return await Deno.makeTempDir({ prefix: PREFIX });
  } catch (cause) {
    // Deno says what is to be done then.
    if (cause instanceof Deno.errors.NotCapable) throw cause;
    throw new Error(
      `The folder for temporary files${knownTmpdir()} can't be used (${cause}): set TMPDIR to one that is there and can be written`,
      { cause },
    );
  }
}

/** TMPDIR, if the program may read it: to try would ask the user. */
function knownTmpdir(): string {
  const variable = "TMPDIR";
  const { state } = Deno.permissions.querySync({ name: "env", variable });
  const path = state === "granted" ? Deno.env.get(variable) : undefined;
  return path === undefined ? "" : ` ${path}`;
}

/** Why the path of a socket won't do, if so. */
function problemOf(path: string): string | undefined {
  const bytes = new TextEncoder().encode(path).length;
  if (bytes > MAX_SOCKET_PATH) return "is too long for a Unix socket";
  if (SPECIAL.test(path)) return "has a comma or '${' in it";
  return undefined;
}
