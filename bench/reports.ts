import type { Row, Spread } from "./measure.ts";
import type { Report } from "./program.ts";

/** A file that doesn't hold a report. */
export class ReportError extends Error {
  override readonly name = "ReportError";
}

/**
 * Reads a file that `--json` printed.
 *
 * @throws {ReportError} If there is no such file, or if it holds something else.
 */
export async function readReport(path: string): Promise<Report> {
  const value = parse(path, await readText(path));
  const problem = problemOf(value);
  if (problem === undefined) return value as Report;
  throw new ReportError(
    `${path} isn't a report: ${problem}. Make one with 'deno task bench --json'`,
  );
}

async function readText(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new ReportError(`There is no file ${path}`);
    }
    if (!(error instanceof Error)) throw error;
    throw new ReportError(`${path} can't be read: ${error.message}`);
  }
}

function parse(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new ReportError(
      `${path} isn't JSON: ${error.message}. ` +
        "Make a report with 'deno task bench --json'",
    );
  }
}

/** Returns why a value isn't a report; `undefined` if it is. */
function problemOf(value: unknown): string | undefined {
  if (!isRecord(value)) return "it isn't an object";
  const { machine, quick, rows } = value;
  if (!isRecord(machine)) return "it has no 'machine'";
  if (typeof quick !== "boolean") return "it has no 'quick'";
  if (!Array.isArray(rows)) return "it has no list of 'rows'";
  const names = new Set<string>();
  for (const [index, row] of rows.entries()) {
    if (!isRow(row)) return `rows[${index}] isn't a row with samples`;
    if (names.has(row.name)) return `it has two rows '${row.name}'`;
    names.add(row.name);
  }
}

function isRow(value: unknown): value is Row {
  if (!isRecord(value)) return false;
  const { name, unit, value: spread, ratios } = value;
  return typeof name === "string" && typeof unit === "string" &&
    (spread === null || isSpread(spread)) && isRecord(ratios) &&
    Object.values(ratios).every(isSpread);
}

function isSpread(value: unknown): value is Spread {
  if (!isRecord(value)) return false;
  const { median, min, max, samples } = value;
  return [median, min, max].every(Number.isFinite) &&
    Array.isArray(samples) && samples.length > 0 &&
    samples.every(Number.isFinite);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
