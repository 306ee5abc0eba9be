import { sha256 } from "../util/sha256.ts";

/** How many files are kept: those of versions that are in use side by side. */
const MAX_FILES = 8;

/** What others may do with a file or folder, which must be nothing. */
const OTHERS = 0o077;

/**
 * Code that is kept in a folder from one run of a program to the next.
 *
 * What is read will be run, so it must have been written by this user, in a
 * place where nobody else could have changed it, and to its end. A cache that
 * can't be used is no failure: all of it can be made anew.
 */
export class BundleCache {
  readonly #folder: string;

  /** Constructs a cache in a folder that is made when it is needed. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The code that was stored under a key, if it can be relied on. */
  async read(key: string): Promise<string | undefined> {
    try {
      const path = this.#path(key);
      const infos = await Promise.all([this.#folder, path].map(Deno.lstat));
      if (!infos[0]!.isDirectory || !infos[1]!.isFile) return undefined;
      if (!infos.every(isPrivate)) return undefined;
      const text = await Deno.readTextFile(path);
      const end = text.indexOf("\n");
      const code = text.slice(end + 1);
      return text.slice(0, end) === await seal(code) ? code : undefined;
    } catch {
      return undefined;
    }
  }

  /** Stores code under a key, and forgets what hasn't been stored for long. */
  async write(key: string, code: string): Promise<void> {
    const temporary = `${this.#path(key)}.${crypto.randomUUID()}`;
    try {
      await Deno.mkdir(this.#folder, { recursive: true, mode: 0o700 });
      if (!isPrivate(await Deno.lstat(this.#folder))) return;
      await Deno.writeTextFile(temporary, `${await seal(code)}\n${code}`, {
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

  /** Removes all but the newest files, which includes what was left half done. */
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

/** Whether a file is this user's alone. Windows has its own ways for that. */
function isPrivate({ uid, mode }: Deno.FileInfo): boolean {
  return uid === Deno.uid() && ((mode ?? 0) & OTHERS) === 0;
}

/** The first line of a file, a comment that says what must follow. */
async function seal(code: string): Promise<string> {
  return `// sha256 ${await sha256(code)}`;
}
