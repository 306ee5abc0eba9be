import { withRealPlaces } from "./failure_place.ts";

/** What `deno bundle` writes besides its reasons. */
const NOISE =
  /^(?:error: bundling failed|\s+note: You can mark the path .*|\s*)$/;

/** Where its reasons end, and what it was doing itself begins. */
const BACKTRACE = /^Stack backtrace:$/m;

/** The ways out, by what the reason has in it. */
const WAYS_OUT: readonly (readonly [reason: RegExp, wayOut: string])[] = [
  [
    /esbuild[^]*(?:failed to create|No such file|Not a directory|No space left|Permission denied|Read-only file system)/,
    "Deno bundles with esbuild, which it keeps in its cache: see to it that there is space and leave to write in the folder that DENO_DIR names, or of which `deno info` tells",
  ],
  [
    /package "@esbuild\/|esbuild.*(?:download|registry)/i,
    "Deno bundles with esbuild, which it downloads once from the npm registry: make that reachable or set NPM_CONFIG_REGISTRY, or run `deno bundle` once while it is",
  ],
  [
    /\.node(?![\w/])/,
    "It runs native code, which no bundle can hold. Where an ES module imports such a package, workers import it from npm themselves: import it from an ES module, not by require()",
  ],
  [
    /Requires import access/,
    "Run the program with --allow-import for that host",
  ],
  [
    /not in import map|not a dependency/,
    "A pool can't see the program's own --config and --import-map: give it the deno.json or package.json that has the name as its option 'config', or an import map with denoArgs: [\"--import-map\", path]",
  ],
  [
    /could not be loaded|Failed loading|error sending request|constraint '.*' in the list/,
    "Is the name right, and the registry reachable?",
  ],
];

/** What is missing, where Deno tells only how it got there. */
const UNLOADED = /Do not know how to load path: (?:deno:)?(\S+)/g;

/**
 * Makes an error of what `deno bundle` wrote when it failed.
 *
 * @param url The module that was to be bundled.
 * @param stderr What it wrote, without colours.
 */
export function explainFailure(url: string, stderr: string): Error {
  const said = stderr.split(BACKTRACE)[0]!.split(/\r?\n/)
    .filter((line) => !NOISE.test(line))
    .join("\n")
    .replace(/^error: /gm, "");
  const reason = withRealPlaces(said)
    .replace(UNLOADED, "$1 could not be loaded") || "deno bundle failed";
  const wayOut = WAYS_OUT.find(([pattern]) => pattern.test(reason))?.[1];
  return failure(url, wayOut === undefined ? reason : `${reason}\n${wayOut}`);
}

/**
 * Makes an error of what was thrown when `deno bundle` was to be started.
 *
 * @param url The module that was to be bundled.
 * @param cause What was thrown.
 */
export function explainStart(url: string, cause: unknown): Error {
  if (cause instanceof Deno.errors.NotCapable) {
    return failure(url, "Run the program with --allow-run", cause);
  }
  if (cause instanceof Deno.errors.NotFound) {
    return failure(url, "There must be a `deno` on the PATH", cause);
  }
  const reason = cause instanceof Error ? cause.message : String(cause);
  return failure(url, reason, cause);
}

function failure(url: string, reason: string, cause?: unknown): Error {
  const message = `Can't bundle ${url} for a worker elsewhere: ${reason}`;
  const error = cause === undefined
    ? new Error(message)
    : new Error(message, { cause });
  // Its user wants to know which call it was, which is added to this, and not
  // what of this package found it out.
  error.stack = String(error);
  return error;
}
