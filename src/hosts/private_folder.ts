/** The longest path of a Unix socket that all systems take, in bytes. */
const MAX_SOCKET_PATH = 103;

const SOCKET_NAME = "pool.sock";

/** A folder that only this user can enter, for a pool's socket. */
export class PrivateFolder {
  private constructor(
    /** The folder's path. */
    readonly path: string,
  ) {}

  /**
   * Makes a new folder (mode 0700) among the system's temporary files.
   *
   * @throws {Error} If there is no place for it where the path of a socket
   * isn't too long.
   */
  static async make(): Promise<PrivateFolder> {
    const prefix = "distex-";
    const path = await Deno.makeTempDir({ prefix });
    if (isShort(path)) return new PrivateFolder(path);
    await Deno.remove(path);
    const shorter = await Deno.makeTempDir({ prefix, dir: "/tmp" });
    if (isShort(shorter)) return new PrivateFolder(shorter);
    await Deno.remove(shorter);
    throw new Error(
      `The path ${path} is too long for a Unix socket: set TMPDIR to a shorter one, or use { transport: "tcp" }`,
    );
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

function isShort(folder: string): boolean {
  const bytes = new TextEncoder().encode(socketPath(folder)).length;
  return bytes <= MAX_SOCKET_PATH;
}
