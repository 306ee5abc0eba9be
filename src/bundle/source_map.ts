import { fileURLToPath, pathToFileURL } from "node:url";

/** The comment, always the last line, that has the map in it. */
const COMMENT = "//# sourceMappingURL=data:application/json;base64,";

/** Sources that aren't relative, with what the bundler puts before some. */
const ABSOLUTE = /^(?:deno:|dataurl:)?((?:https?|file|data|jsr|npm|node):.*)$/s;

/** What there is to know of a source map here. */
export interface SourceMap {
  readonly version: number;
  /** The files that the code was made of. */
  readonly sources: readonly string[];
  readonly names: readonly string[];
  /** Which place in the code comes from which place in the sources. */
  readonly mappings: string;
}

/** Code and the map of where it comes from. */
export interface MappedCode {
  readonly code: string;
  readonly map: SourceMap;
}

/**
 * Takes the map out of a bundle, with its sources named by where they are,
 * wherever the bundle is.
 *
 * The texts of the sources, which make up half of the map, are left out: stack
 * traces don't need them.
 *
 * @param bundle A bundle with a source map at its end.
 * @param base The folder that the map's sources are relative to, as a URL.
 * @returns The code and its map; `undefined` if it has none.
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
 * Puts the map at the end of the code. Deno applies it to the stack traces of
 * the module; to those of a `blob:` URL too, of which no relative path leads
 * to anywhere.
 */
export function joinSourceMap({ code, map }: MappedCode): string {
  return `${code}${COMMENT}${toBase64(JSON.stringify(map))}\n`;
}

/** The URL of a source, escaped as Deno does it. */
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
