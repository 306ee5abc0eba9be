/**
 * The command line of the gzip example.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { fileURLToPath } from "node:url";
import { UserError } from "./gzip_errors.ts";

/** What `--help` shows. */
export const USAGE = `Packs every file below a folder with gzip, on all cores.

Usage: deno run -A examples/gzip.ts [options] [folder]

Without a folder it packs the files of this project, with what was downloaded
into it, and as often as it takes to tell how fast that is. Symbolic links
aren't followed, and .git is left out.

Options:
  --workers N   how many worker processes; 0, the default, is one per CPU
  --out FOLDER  keep the packed files there, in the same subfolders
  --rounds N    how often to pack all files; with a folder 1 is the default
  --help        show this`;

/** What the user asks for. */
export interface Options {
  /** The folder to pack. */
  readonly folder: string;
  /** How many workers; 0 is one per CPU. */
  readonly workers: number;
  /** The folder for the packed files, if they are to be kept. */
  readonly out: string | undefined;
  /** How often to pack all files; `undefined` to find that out. */
  readonly rounds: number | undefined;
}

/**
 * Reads the command line.
 *
 * @returns The options, or `undefined` if help is wanted.
 * @throws {UserError} If something about them is wrong.
 */
export function parseOptions(args: string[]): Options | undefined {
  const flags = parseArgs(args, {
    string: ["_", "workers", "out", "rounds"],
    boolean: ["help"],
    default: { workers: "0" },
    unknown(arg, key) {
      if (key !== undefined) throw new UserError(`There is no option ${arg}`);
    },
  });
  if (flags.help) return undefined;
  const { out } = flags;
  const workers = count("workers", flags.workers, 0);
  if (out === "") throw new UserError("--out must be the path of a folder");
  const [folder, ...more] = flags._.map(String);
  if (more.length > 0) throw new UserError("There can be only one folder");
  const rounds = flags.rounds !== undefined
    ? count("rounds", flags.rounds, 1)
    : folder === undefined
    ? undefined
    : 1;
  return { folder: folder ?? checkout(), workers, out, rounds };
}

function count(name: string, text: string, least: number): number {
  if (/^\d{1,3}$/.test(text) && Number(text) >= least) return Number(text);
  throw new UserError(
    `--${name} must be a number from ${least} to 999, and is "${text}"`,
  );
}

/** The folder that this project was checked out into. */
function checkout(): string {
  return fileURLToPath(new URL("../", import.meta.url));
}
