/**
 * Compares runs of a benchmark: `deno task bench:compare A.json B.json`.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import {
  type Change,
  compareReports,
  differences,
  LEAST_CHANGE,
  LEVEL,
} from "./comparison.ts";
import { format } from "./program.ts";
import { readReport } from "./reports.ts";
import { runOrExit } from "./run_or_exit.ts";

const HELP = `Prints what changed beyond noise between runs of a benchmark.

Usage: deno task bench:compare [options] A.json B.json
       deno task bench:compare [options] A1.json A2.json … -- B1.json B2.json …

The files are what 'deno task bench --json' prints. With one run on each side,
the samples are its repetitions; with several, the median of each run. Alternate
the runs of the two sides; five on each side are enough.

Options:
  --changed      Print only what changed
  --json         Print one JSON document instead of a table
  --help         Print this
`;

/** The command line. */
interface Request {
  readonly help: boolean;
  readonly json: boolean;
  readonly changed: boolean;
  readonly a: readonly string[];
  readonly b: readonly string[];
}

/** @throws {TypeError} If there is another option, or not two sides. */
function parseRequest(args: string[]): Request {
  const { help, json, changed, _, "--": rest } = parseArgs(args, {
    boolean: ["json", "changed", "help"],
    string: ["_"],
    "--": true,
    unknown: (arg) => {
      if (!arg.startsWith("-")) return;
      throw new TypeError(`There is no option '${arg}', see --help`);
    },
  });
  const files = _.map(String);
  const [a, b] = rest.length > 0
    ? [files, rest]
    : [files.slice(0, 1), files.slice(1)];
  if (!help && (a.length === 0 || b.length === 0)) {
    throw new TypeError("Two files are needed: A.json B.json, see --help");
  }
  if (!help && rest.length === 0 && b.length > 1) {
    throw new TypeError(
      "More than two files need '--' between the two sides, see --help",
    );
  }
  return { help, json, changed, a, b };
}

async function main({ help, json, changed, a, b }: Request): Promise<void> {
  if (help) return console.log(HELP);
  const first = await Promise.all(a.map(readReport));
  const second = await Promise.all(b.map(readReport));
  const warnings = differences(first, second);
  const all = compareReports(first, second);
  const changes = changed ? all.filter(isChange) : all;
  if (json) {
    const document = { a, b, level: LEVEL, warnings, changes };
    return console.log(JSON.stringify(document, null, 2));
  }
  for (const warning of warnings) console.log(`Note: ${warning}`);
  for (const change of changes) console.log(formatChange(change));
  console.log(`\n${summarize(all)}`);
}

function isChange({ verdict }: Change): boolean {
  return verdict !== "same" && verdict !== "too few samples";
}

function formatChange(change: Change): string {
  const { name, limit, unit, a, b, ratio, p, verdict } = change;
  const columns = [
    (limit === null ? name : `  × ${limit}`).padEnd(36),
    figure(a).padStart(12),
    figure(b).padStart(12),
    (limit === null ? unit : "").padEnd(5),
    (ratio === null ? "" : ratio.toFixed(3)).padStart(7),
    (p === null ? "" : `p ${p.toFixed(3)}`).padEnd(7),
    verdict === "same" ? "" : verdict,
  ];
  return columns.join(" ").trimEnd();
}

function figure(value: number | null): string {
  return value === null ? "" : format(value);
}

function summarize(changes: readonly Change[]): string {
  const count = (verdict: string) =>
    changes.filter((change) => change.verdict === verdict).length;
  return `${count("better")} better, ${count("worse")} worse, ${
    count("same")
  } the same, of ${changes.length} figures. Beyond noise: p ≤ ${LEVEL} ` +
    `and a change of at least ${LEAST_CHANGE * 100} %; ` +
    "by chance alone, that is at most 1 figure in 100.";
}

if (import.meta.main) {
  await runOrExit(async () => await main(parseRequest(Deno.args)));
}
