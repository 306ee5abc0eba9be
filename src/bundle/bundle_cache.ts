import { sha256 } from "../util/sha256.ts";

/** How many files are kept: several versions may be in use, with three each. */
const MAX_FILES = 32;

const NEWLINE = 10;

/** The permission bits of everyone but the owner. */
const OTHERS = 0o077;

/**
 * A folder that keeps code from one run of a program to the next.
 *
 * The program runs code from the cache. So it accepts a file only if this user
 * wrote it, nobody else could have changed it, and it is complete. It is no
 * error if the cache can't be used, because all code in it can be made again.
 */
export class BundleCache {
  readonly #folder: string;

  /** Constructs a cache in a folder, which is created on the first write. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Returns the path of the code under a key, or `undefined` if it isn't safe. */
  async find(key: string): Promise<string | undefined> {
    return await this.#readBytes(key) === undefined
      ? undefined
      : this.#path(key);
  }

  /** Returns the code stored under a key, or `undefined` if it isn't safe. */
  async read(key: string): Promise<string | undefined> {
    const bytes = await this.#readBytes(key);
    return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
  }

  async #readBytes(key: string): Promise<Uint8Array | undefined> {
    try {
      const path = this.#path(key);
      const infos = await Promise.all([this.#folder, path].map(Deno.lstat));
      if (!infos[0]!.isDirectory || !infos[1]!.isFile) return undefined;
      if (!infos.every(isPrivate)) return undefined;
      const bytes = await Deno.readFile(path);
      const end = bytes.indexOf(NEWLINE);
      const code = bytes.subarray(end + 1);
      const first = new TextDecoder().decode(bytes.subarray(0, end));
      return first === await seal(code) ? code : undefined;
    } catch {
      return undefined;
    }
  }

  /** Whether code can be stored. This creates the folder. */
  async isWritable(): Promise<boolean> {
    const temporary = this.#temporary("test");
    try {
      if (!await this.#makeFolder()) return false;
      await Deno.writeTextFile(temporary, "", { createNew: true });
      await Deno.remove(temporary);
      return true;
    } catch {
      return false;
    }
  }

  /** Stores code under a key, and removes the oldest files. */
  async write(key: string, code: string): Promise<void> {
    const temporary = this.#temporary(key);
    try {
      if (!await this.#makeFolder()) return;
      const first = await seal(new TextEncoder().encode(code));
      await Deno.writeTextFile(temporary, `${first}\n${code}`, {
        createNew: true,
        mode: 0o600,
      });
      await Deno.rename(temporary, this.#path(key));
      await this.#removeOld();
    } catch {
      await Deno.remove(temporary).catch(() => {});
    }
  }

  #path(key: string): string {
    return `${this.#folder}/${key}.js`;
  }

  #temporary(key: string): string {
    return `${this.#path(key)}.${crypto.randomUUID()}`;
  }

  /** Creates the folder; returns whether it is safe. */
  async #makeFolder(): Promise<boolean> {
    await Deno.mkdir(this.#folder, { recursive: true, mode: 0o700 });
    return isPrivate(await Deno.lstat(this.#folder));
  }

  /** Removes all but the newest files, incomplete ones included. */
  async #removeOld(): Promise<void> {
    const files: { path: string; time: number }[] = [];
    for await (const { name, isFile } of Deno.readDir(this.#folder)) {
      if (!isFile) continue;
      const path = `${this.#folder}/${name}`;
      // Another program may have removed it by now.
      const info = await Deno.lstat(path).catch(() => undefined);
      if (info) files.push({ path, time: info.mtime?.getTime() ?? 0 });
    }
    const old = files.sort((a, b) => b.time - a.time).slice(MAX_FILES);
    await Promise.allSettled(old.map(({ path }) => Deno.remove(path)));
  }
}

/**
 * Whether only this user may access a file or folder. On Windows, where Deno
 * reports neither owner nor mode, this is always true.
 */
function isPrivate({ uid, mode }: Deno.FileInfo): boolean {
  return uid === Deno.uid() && ((mode ?? 0) & OTHERS) === 0;
}

/** The first line of a file: a comment with the hash of the rest. */
async function seal(code: Uint8Array<ArrayBuffer>): Promise<string> {
  return `// sha256 ${await sha256(code)}`;
}
