/** A reason of the bundler's and where it is, one below the other. */
const REASON = /^(.+)\n( +at )(\S+?):(\d+):\d+$/gm;

/** Reasons with what is written in an import that can't be had. */
const UNAVAILABLE =
  /^(?:Import "(.+?)" not a dep|Could not find constraint '(.+?)'|Do not know how to load path: (?:deno:)?(\S+))/;

/** Reasons whose place can't be told from what they say. */
const UNPLACED = /^(?:No matching export|The symbol) /;

/**
 * Makes the reasons of `deno bundle` name lines of the user's files.
 *
 * What it finds out late it tells by the line of the JavaScript that it has
 * made of the file, where types and empty lines are gone. There is no map of
 * it; so the import is looked for that the reason is about.
 */
export function withRealPlaces(reasons: string): string {
  return reasons.replace(
    REASON,
    (found: string, reason: string, at: string, url: string, line: string) => {
      const unavailable = UNAVAILABLE.exec(reason)?.slice(1).find(Boolean);
      if (unavailable === undefined && !UNPLACED.test(reason)) return found;
      const place = unavailable === undefined
        ? ""
        : findPlace(url, unavailable, Number(line));
      return `${reason}\n${at}${url}${place}`;
    },
  );
}

/** Where a text is in a file, not before a line; `""` if it isn't found. */
function findPlace(url: string, text: string, least: number): string {
  const lines = readLines(url);
  for (let index = least - 1; index < lines.length; index++) {
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
