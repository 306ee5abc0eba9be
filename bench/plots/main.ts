/**
 * Draws plots of reports: `deno task bench:plot`, see ../README.md.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Report } from "../program.ts";
import { readReport, ReportError } from "../reports.ts";
import { runOrExit } from "../run_or_exit.ts";
import { makePlots } from "./plots.ts";
import { render } from "./render.ts";

const RESULTS = fileURLToPath(new URL("../results", import.meta.url));

const HELP = `Draws the plots that the rows in reports suffice for, as SVG.

Usage: deno task bench:plot [options] [file.json …]

The files are what '--json' prints. Without any, they are those in bench/results.

Options:
  --out <folder>  Write the plots there; to bench/results by default
  --help          Print this
`;

/** The command line. */
interface Request {
  readonly help: boolean;
  readonly files: readonly string[];
  readonly out: string;
}

/** @throws {TypeError} If there is another option. */
function parseRequest(args: string[]): Request {
  const { help, out, _ } = parseArgs(args, {
    boolean: ["help"],
    string: ["out", "_"],
    default: { out: RESULTS },
    unknown: (arg) => {
      if (!arg.startsWith("-")) return;
      throw new TypeError(`There is no option '${arg}', see --help`);
    },
  });
  return { help, files: _.map(String), out };
}

async function main({ help, files, out }: Request): Promise<void> {
  if (help) return console.log(HELP);
  const paths = files.length > 0 ? files : await findReports();
  await Deno.mkdir(out, { recursive: true });
  for (const path of paths) {
    const report: Report = await readReport(path);
    const plots = makePlots(report);
    if (plots.length === 0) console.log(`${path} has no rows for a plot`);
    for (const { name, spec } of plots) {
      const target = join(out, `${name}.svg`);
      await Deno.writeTextFile(target, await render(spec));
      console.log(target);
    }
  }
}

/** @throws {ReportError} If there are none. */
async function findReports(): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { name } of Deno.readDir(RESULTS)) {
      if (name.endsWith(".json")) names.push(name);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  if (names.length > 0) {
    return names.sort().map((name) => join(RESULTS, name));
  }
  throw new ReportError(
    `There are no reports in ${RESULTS}. ` +
      "Make one with 'deno task bench:peers --json'",
  );
}

if (import.meta.main) {
  await runOrExit(async () => await main(parseRequest(Deno.args)));
}
