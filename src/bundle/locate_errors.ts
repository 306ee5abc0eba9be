/** An error of the bundler, and its position on the line below. */
const ERROR = /^(.+)\n( +at )(\S+?):(\d+):\d+$/gm;

/** Errors about an import that isn't available, with its specifier. */
const UNAVAILABLE =
  /^(?:Import "([^"]+)" not a dep|Could not find constraint '([^']+)'|Do not know how to load path: (?:deno:)?(\S+))/;

/** Errors whose message doesn't contain the text at their position. */
const UNLOCATABLE = /^(?:No matching export|The symbol) /;

/**
 * Corrects the positions in errors of `deno bundle` to those in the user's
 * files.
 *
 * For errors after compilation, the bundler reports the position in the
 * compiled JavaScript, which lacks types and empty lines and has no source map.
 * So this function searches the file for the import that the error mentions.
 *
 * @param errors The bundler's output.
 */
export function locateErrors(errors: string): string {
  return errors.replace(
    ERROR,
    (found: string, error: string, at: string, url: string, line: string) => {
      const specifier = UNAVAILABLE.exec(error)?.slice(1).find(Boolean);
      if (specifier === undefined && !UNLOCATABLE.test(error)) return found;
      const position = specifier === undefined
        ? ""
        : findPosition(url, specifier, Number(line));
      return `${error}\n${at}${url}${position}`;
    },
  );
}

/** Finds text in a file from a line on; returns `""` if it isn't there. */
function findPosition(url: string, text: string, firstLine: number): string {
  const lines = readLines(url);
  for (let index = firstLine - 1; index < lines.length; index++) {
    const column = lines[index]!.indexOf(text);
    if (column >= 0) return `:${index + 1}:${column + 1}`;
  }
  return "";
}

function readLines(url: string): string[] {
  try {
    return Deno.readTextFileSync(new URL(url)).split("\n");
  } catch {
    return [];
  }
}
