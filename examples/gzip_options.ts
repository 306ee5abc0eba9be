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
into it. Symbolic links aren't followed, and .git is left out.

Options:
  --workers N   how many worker processes; 0, the default, is one per CPU
  --out FOLDER  keep the packed files there, in the same subfolders
  --help        show this`;

/** What the user asks for. */
export interface Options {
  /** The folder to pack. */
  readonly folder: string;
  /** How many workers; 0 is one per CPU. */
  readonly workers: number;
  /** The folder for the packed files, if they are to be kept. */
  readonly out: string | undefined;
}

/**
 * Reads the command line.
 *
 * @returns The options, or `undefined` if help is wanted.
 * @throws {UserError} If something about them is wrong.
 */
export function parseOptions(args: string[]): Options | undefined {
  const flags = parseArgs(args, {
    string: ["_", "workers", "out"],
    boolean: ["help"],
    default: { workers: "0" },
    unknown(arg, key) {
      if (key !== undefined) throw new UserError(`There is no option ${arg}`);
    },
  });
  if (flags.help) return undefined;
  const { workers, out } = flags;
  if (!/^\d{1,3}$/.test(workers)) {
    throw new UserError(
      `--workers must be a number from 0 to 999, and is "${workers}"`,
    );
  }
  if (out === "") throw new UserError("--out must be the path of a folder");
  const [folder = checkout(), ...more] = flags._.map(String);
  if (more.length > 0) throw new UserError("There can be only one folder");
  return { folder, workers: Number(workers), out };
}

/** The folder that this project was checked out into. */
function checkout(): string {
  return fileURLToPath(new URL("../", import.meta.url));
}
