import type { ModuleExports } from "./sent_modules.ts";

/** Loads code of the user's into this process. */
interface UserCode {
  /** Imports a module by its URL. */
  importModule(url: string): Promise<ModuleExports>;
  /** Evaluates the body of a function in the global scope. */
  evaluate(body: string): unknown;
}

/**
 * Deno resolves `import()` by the module that it is written in, and counts the
 * code of `new Function()` as the code of the module that evaluates it. A
 * module on JSR may not import from other sites. So both are written in a
 * module that isn't part of this package.
 */
const SOURCE =
  "const { Function } = globalThis; export const importModule = (url) => import(url); export const evaluate = (body) => new Function(body)();";

/** Imports a module, or evaluates a function body, as code of the user's. */
export const { importModule, evaluate }: UserCode = await import(
  `data:text/javascript,${encodeURIComponent(SOURCE)}`
);
