import { Blob, URL } from "./primordials.ts";
import { importModule } from "./user_code.ts";

/** What a module exports. */
export type ModuleExports = Record<string, unknown>;

/** The modules that the pool sends, as they can't be imported by their URL. */
export class SentModules {
  readonly #byUrl = new Map<string, PromiseWithResolvers<ModuleExports>>();
  readonly #byHash = new Map<string, Promise<ModuleExports>>();

  /** A module, once it has come and is loaded. */
  get(url: string): Promise<ModuleExports> {
    return this.#entry(url).promise;
  }

  /** Takes a module's code, or the reason why there is none. */
  provide(url: string, hash: string, code: string | Error): void {
    const { resolve, reject } = this.#entry(url);
    if (typeof code !== "string") return reject(code);
    let module = this.#byHash.get(hash);
    if (module === undefined) {
      module = load(code);
      // It may be one that no one waits for.
      module.catch(() => {});
      this.#byHash.set(hash, module);
    }
    resolve(module);
  }

  #entry(url: string): PromiseWithResolvers<ModuleExports> {
    let entry = this.#byUrl.get(url);
    if (entry === undefined) {
      entry = Promise.withResolvers();
      // Who needs the module is told.
      entry.promise.catch(() => {});
      this.#byUrl.set(url, entry);
    }
    return entry;
  }
}

/** Imports code without any permission, which a file would need. */
async function load(code: string): Promise<ModuleExports> {
  const url = URL.createObjectURL(
    new Blob([code], { type: "text/javascript" }),
  );
  try {
    return await importModule(url);
  } finally {
    URL.revokeObjectURL(url);
  }
}
