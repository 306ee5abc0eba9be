import { savePrimordials } from "./primordials.ts";

/** The exports of a module, by name. */
export type ModuleExports = Record<string, unknown>;

/** Loads the user's code into this process. */
export interface UserCode {
  /** Imports a module by its URL. */
  importModule(url: string): Promise<ModuleExports>;
  /** Evaluates the body of a function in the global scope. */
  evaluate(body: string): unknown;
}

/**
 * Deno checks an `import()` against the module that contains it, and treats code
 * of `new Function()` as part of the module that evaluates it. Modules on JSR
 * may not import from other sites. So a module outside this package contains
 * both.
 */
const SOURCE =
  "const { Function } = globalThis; export const importModule = (url) => import(url); export const evaluate = (body) => new Function(body)();";

/** The functions, once they are loaded; until then, their promise, if any. */
let code: UserCode | Promise<UserCode> | undefined;

/**
 * Returns the functions that load the user's code. The first calls return a
 * promise: a worker that has no task yet starts sooner without them.
 */
export function userCode(): UserCode | Promise<UserCode> {
  return code ??= loadUserCode();
}

async function loadUserCode(): Promise<UserCode> {
  savePrimordials();
  return code = await import(
    `data:text/javascript,${encodeURIComponent(SOURCE)}`
  );
}
