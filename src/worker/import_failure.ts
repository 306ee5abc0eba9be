/**
 * The ways out, by Deno's own messages: all these errors have the same code,
 * `ERR_MODULE_NOT_FOUND`.
 */
const WAYS_OUT: readonly (readonly [message: RegExp, wayOut: string])[] = [
  [
    /^Requires read access to /,
    `The worker may not read it: grant 'read' in the option 'permissions'; with "inherit" workers get only what the program was granted without a list`,
  ],
  [
    /^Requires import access to /,
    `The worker may not import from there: grant 'import' in the option 'permissions'; with "inherit" workers get only what the program was granted without a list`,
  ],
  [
    /--cached-only is specified/,
    `The worker may not download it: grant 'import' in the option 'permissions'; or, for workers on other machines, set modules: "bundle", which sends all modules except packages with native code`,
  ],
  [
    /^Import ".*" not a dependency/,
    "By default, workers resolve imports by the deno.json or package.json nearest to the program's main module. A pool can't see the program's own --config and --import-map: pass the file that maps this name as the option 'config', or an import map with denoArgs: [\"--import-map\", path]",
  ],
];

/** Adds the way out to an error if Deno couldn't import a module. */
export function explainImportFailure(error: unknown): unknown {
  if (!(error instanceof TypeError)) return error;
  const { message } = error;
  if ((error as { code?: unknown }).code !== "ERR_MODULE_NOT_FOUND") {
    return error;
  }
  const wayOut = WAYS_OUT.find(([pattern]) => pattern.test(message))?.[1];
  if (wayOut === undefined) return error;
  return new TypeError(`${message}\n${wayOut}`);
}
