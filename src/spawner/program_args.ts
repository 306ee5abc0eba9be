import { isPackageJson } from "../util/find_config.ts";

const RUN_WORKER = new URL("../worker/run_worker.ts", import.meta.url).href;

/** A module that runs a worker, then ends the process before the main module. */
const WORKER_PRELOAD = `data:text/javascript,${
  encodeURIComponent(
    `import { runWorker } from "${RUN_WORKER}"; await runWorker(Deno.args);`,
  )
}`;

/**
 * Returns the arguments with which `deno run` starts a program whose imports
 * resolve by a configuration.
 *
 * No flag of Deno takes a package.json: Deno looks for one in the folder of a
 * local main module, and above it. So the package.json itself is passed as the
 * main module. It is never evaluated, because the worker is preloaded and ends
 * the process.
 *
 * @param program The program's URL or path; with a package.json it must be
 * a worker of this package.
 * @param config The path of a deno.json, deno.jsonc or package.json;
 * `undefined` for none.
 * @param denoArgs Further arguments for `deno run`.
 */
export function programArgs(
  program: string,
  config: string | undefined,
  denoArgs: readonly string[],
): string[] {
  if (config === undefined) return ["--no-config", ...denoArgs, program];
  if (isPackageJson(config)) {
    return ["--preload", WORKER_PRELOAD, ...denoArgs, config];
  }
  return ["--config", config, ...denoArgs, program];
}
