/** The ways out, by what Deno says; it gives all of these errors one code. */
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
    `The worker may not download it: grant 'import' in the option 'permissions', or have it sent to workers on other machines with modules: "bundle"`,
  ],
  [
    /^Import ".*" not a dependency/,
    "The worker resolves imports by the nearest deno.json or package.json of the program's main module; a pool can't see the program's own --config and --import-map: give the file that has the name as the option 'config', or an import map with denoArgs: [\"--import-map\", path]",
  ],
];

/** Adds the way out to an error with which Deno refused to import a module. */
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
