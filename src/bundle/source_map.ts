import { fileURLToPath, pathToFileURL } from "node:url";

/** The comment that holds the map, on the last line of a bundle. */
const COMMENT = "//# sourceMappingURL=data:application/json;base64,";

/** Sources that are URLs; the bundler puts a prefix before some of them. */
const ABSOLUTE = /^(?:deno:|dataurl:)?((?:https?|file|data|jsr|npm|node):.*)$/s;

/** A source map without the contents of its sources. */
export interface SourceMap {
  /** The version of the format. */
  readonly version: number;
  /** The URLs of the files that the code was made from. */
  readonly sources: readonly string[];
  /** The original names of identifiers. */
  readonly names: readonly string[];
  /** The encoded mappings from positions in the code to the sources. */
  readonly mappings: string;
}

/** Code and its source map. */
export interface MappedCode {
  /** The code, without the map. */
  readonly code: string;
  /** The map. */
  readonly map: SourceMap;
}

/**
 * Splits a bundle into its code and its source map.
 *
 * The sources become absolute URLs. Their contents, which are half of the map,
 * are dropped, because stack traces don't need them.
 *
 * @param bundle A bundle with a source map at its end.
 * @param base The URL of the folder that the sources are relative to.
 * @returns The code and its map; `undefined` if it has no map.
 */
export function splitSourceMap(
  bundle: string,
  base: string,
): MappedCode | undefined {
  const at = bundle.lastIndexOf(COMMENT);
  if (at < 0) return undefined;
  const { version, sources, names, mappings }: SourceMap = JSON.parse(
    fromBase64(bundle.slice(at + COMMENT.length).trim()),
  );
  const urls = sources.map((source) => absolute(source, base));
  return {
    code: bundle.slice(0, at),
    map: { version, sources: urls, names, mappings },
  };
}

/**
 * Appends the map to the code. Deno applies it to the stack traces of the
 * module, even if the module is loaded from a `blob:` URL.
 */
export function joinSourceMap({ code, map }: MappedCode): string {
  return `${code}${COMMENT}${toBase64(JSON.stringify(map))}\n`;
}

/** Returns the URL of a source, escaped as Deno escapes it. */
function absolute(source: string, base: string): string {
  const url = ABSOLUTE.exec(source)?.[1] ?? new URL(`./${source}`, base).href;
  return url.startsWith("file:") ? pathToFileURL(fileURLToPath(url)).href : url;
}

function fromBase64(text: string): string {
  return new TextDecoder().decode(Uint8Array.fromBase64(text));
}

function toBase64(text: string): string {
  return new TextEncoder().encode(text).toBase64();
}
