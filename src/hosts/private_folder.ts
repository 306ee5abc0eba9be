/** The longest path of a Unix socket that all systems take, in bytes. */
const MAX_SOCKET_PATH = 103;

/**
 * What can't be escaped: in a path, a comma begins another one for Deno's
 * permission flags, and `${` a variable for `ssh -R`.
 */
const SPECIAL = /,|\$\{/;

const SOCKET_NAME = "pool.sock";

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
    const prefix = "distex-";
    const path = await Deno.makeTempDir({ prefix });
    const problem = problemOf(path);
    if (problem === undefined) return new PrivateFolder(path);
    await Deno.remove(path);
    try {
      const dir = "/tmp";
      return new PrivateFolder(await Deno.makeTempDir({ prefix, dir }));
    } catch (cause) {
      throw new Error(
        `The path ${path} ${problem}, and there is no place in /tmp (${cause}): set TMPDIR to another folder, or use { transport: "tcp" }`,
        { cause },
      );
    }
  }

  /** The path for the socket in it. */
  get socketPath(): string {
    return socketPath(this.path);
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

function socketPath(folder: string): string {
  return `${folder}/${SOCKET_NAME}`;
}

/** Why a folder is no place for the socket, if so. */
function problemOf(folder: string): string | undefined {
  const bytes = new TextEncoder().encode(socketPath(folder)).length;
  if (bytes > MAX_SOCKET_PATH) return "is too long for a Unix socket";
  if (SPECIAL.test(folder)) return "has a comma or '${' in it";
  return undefined;
}
