import { locateErrors } from "./locate_errors.ts";

/*
 * `deno bundle` reports errors only as text, without codes. So this file
 * matches the messages of Deno and esbuild; no other file does.
 */

/** Lines of output that don't help to explain a failure. */
const NOISE =
  /^(?:error: bundling failed|\s+note: You can mark the path .*|\s*)$/;

/** The line between the reasons and Deno's own backtrace. */
const BACKTRACE = /^Stack backtrace:$/m;

/** How to fix a failure whose reason matches all patterns; the first wins. */
const WAYS_OUT: readonly (readonly [reason: RegExp[], wayOut: string])[] = [
  [
    [
      /esbuild/,
      /failed to create|No such file|Not a directory|No space left|Permission denied|Read-only file system/,
    ],
    "Deno bundles with esbuild, which it keeps in its cache: make sure that the cache has space and is writable; 'deno info' prints its folder, and DENO_DIR sets it",
  ],
  [
    [/esbuild/i, /package "@esbuild\/|download|registry/i],
    "Deno bundles with esbuild, which it downloads once from the npm registry: make the registry reachable, set NPM_CONFIG_REGISTRY, or run 'deno bundle' once where it is reachable",
  ],
  [
    [/\.node(?![\w/])/],
    "It needs native code, which can't be bundled. Import the package from an ES module, not with require(): workers then import it from npm themselves",
  ],
  [
    [/Requires import access/],
    "Run the program with --allow-import for that host",
  ],
  [
    [/not in import map|not a dependency/],
    "A pool can't see the program's own --config and --import-map: pass the deno.json or package.json that has the name as the option 'config', or an import map with denoArgs: [\"--import-map\", path]",
  ],
  [
    [
      /could not be loaded|Failed loading|error sending request|constraint '[^']*' in the list/,
    ],
    "Check the name, and that the registry can be reached",
  ],
];

/** Deno's message about a module that it failed to load. */
const UNLOADED = /Do not know how to load path: (?:deno:)?(\S+)/g;

/**
 * Makes an error from the output of `deno bundle` when it fails.
 *
 * @param url The module that was bundled.
 * @param stderr The output, without colours.
 */
export function explainFailure(url: string, stderr: string): Error {
  const reasons = stderr.split(BACKTRACE)[0]!.split(/\r?\n/)
    .filter((line) => !NOISE.test(line))
    .join("\n")
    .replace(/^error: /gm, "");
  const reason = locateErrors(reasons)
    .replace(UNLOADED, "$1 could not be loaded") || "deno bundle failed";
  const wayOut = WAYS_OUT.find(([patterns]) =>
    patterns.every((pattern) => pattern.test(reason))
  )?.[1];
  return failure(url, wayOut === undefined ? reason : `${reason}\n${wayOut}`);
}

/**
 * Makes an error from a failure to start `deno bundle`.
 *
 * @param url The module that was to be bundled.
 * @param cause The thrown value.
 */
export function explainStartFailure(url: string, cause: unknown): Error {
  if (cause instanceof Deno.errors.NotCapable) {
    return failure(url, "Run the program with --allow-run", cause);
  }
  if (cause instanceof Deno.errors.NotFound) {
    return failure(url, "No 'deno' was found on the PATH", cause);
  }
  const reason = cause instanceof Error ? cause.message : String(cause);
  return failure(url, reason, cause);
}

function failure(url: string, reason: string, cause?: unknown): Error {
  const message = `Can't bundle ${url} for a remote worker: ${reason}`;
  const error = cause === undefined
    ? new Error(message)
    : new Error(message, { cause });
  // The caller adds the stack of the user's call later; the frames of this
  // package would only hide it.
  error.stack = String(error);
  return error;
}
