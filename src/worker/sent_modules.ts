import { Blob, URL } from "./primordials.ts";
import { type ModuleExports, userCode } from "./user_code.ts";

/** The modules that the pool sends because workers can't import their URLs. */
export class SentModules {
  readonly #byUrl = new Map<string, PromiseWithResolvers<ModuleExports>>();
  readonly #byHash = new Map<string, Promise<ModuleExports>>();

  /** Resolves to a module once it has arrived and is loaded. */
  get(url: string): Promise<ModuleExports> {
    return this.#entry(url).promise;
  }

  /** Takes the code of a module, or the error if the pool couldn't make it. */
  provide(url: string, hash: string, code: string | Error): void {
    const { resolve, reject } = this.#entry(url);
    if (typeof code !== "string") return reject(code);
    let module = this.#byHash.get(hash);
    if (module === undefined) {
      module = load(code);
      // The caller of get() handles the rejection, if there is one.
      module.catch(() => {});
      this.#byHash.set(hash, module);
    }
    resolve(module);
  }

  #entry(url: string): PromiseWithResolvers<ModuleExports> {
    let entry = this.#byUrl.get(url);
    if (entry === undefined) {
      entry = Promise.withResolvers();
      // The caller of get() handles the rejection.
      entry.promise.catch(() => {});
      this.#byUrl.set(url, entry);
    }
    return entry;
  }
}

/** Imports code through a `blob:` URL, which needs no permission. */
async function load(code: string): Promise<ModuleExports> {
  const { importModule } = await userCode();
  const url = URL.createObjectURL(
    new Blob([code], { type: "text/javascript" }),
  );
  try {
    return await importModule(url);
  } finally {
    URL.revokeObjectURL(url);
  }
}
