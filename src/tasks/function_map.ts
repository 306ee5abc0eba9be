import { encode, type SourceMapMappings } from "@jridgewell/sourcemap-codec";
import { findFunction } from "./source_positions.ts";

/** The beginning of the URLs of this package's own modules. */
const OWN_MODULES = new URL("../", import.meta.url).href;

/**
 * Makes the source map of an inline task, so that a debugger shows the file of
 * the function, and stops at breakpoints that are set there.
 *
 * @param source The task's source.
 * @param callers The stack of the call, in whose files the task is searched.
 * @returns The map as JSON; `undefined` if the function can't be found.
 */
export function functionMap(
  source: string,
  callers: string,
): string | undefined {
  const users = callers.split("\n")
    .filter((line) => !line.includes(OWN_MODULES)).join("\n");
  const found = findFunction(source, users);
  if (found === undefined) return undefined;
  const mappings: SourceMapMappings = [];
  for (const { line, column, place } of found.tokens) {
    while (mappings.length < line) mappings.push([]);
    if (place === undefined) continue;
    mappings[line - 1]!.push([column - 1, 0, place.line - 1, place.column - 1]);
  }
  return JSON.stringify({
    version: 3,
    sources: [found.file],
    sourcesContent: [found.content],
    names: [],
    mappings: encode(mappings),
  });
}
