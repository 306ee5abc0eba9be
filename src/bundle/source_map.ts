import { fileURLToPath, pathToFileURL } from "node:url";
import { withOriginalMeta } from "./import_meta.ts";

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

/**
 * Makes the stack traces of a bundle, and its `import.meta`, name its sources
 * by where they are, wherever the bundle is.
 *
 * Deno applies the source map of a module to the module's stack traces; that
 * of a `blob:` URL too, of which no relative path leads to anywhere. The texts
 * of the sources, which make up half of the map, aren't needed for that.
 *
 * @param code A bundle with a source map at its end.
 * @param base The folder that the map's sources are relative to, as a URL.
 */
export function withAbsoluteSources(code: string, base: string): string {
  const at = code.lastIndexOf(COMMENT);
  if (at < 0) return code;
  const { version, sources, names, mappings }: SourceMap = JSON.parse(
    fromBase64(code.slice(at + COMMENT.length).trim()),
  );
  const urls = sources.map((source) => absolute(source, base));
  const bundle = withOriginalMeta(code.slice(0, at), {
    version,
    sources: urls,
    names,
    mappings,
  });
  return `${bundle.code}${COMMENT}${toBase64(JSON.stringify(bundle.map))}\n`;
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
