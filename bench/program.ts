/**
 * The command line that the programs with measurements share: it selects rows,
 * and prints them as a table or as one JSON document.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { cpus } from "node:os";
import {
  type Effort,
  FULL,
  QUICK,
  type Row,
  type Section,
  type Spread,
} from "./measure.ts";

/** The machine of a run. */
export interface Machine {
  readonly deno: string;
  readonly cpu: string | null;
  readonly cores: number;
  readonly os: string;
  /**
   * How many processes wanted to run in the minute before; 0 on Windows.
   *
   * @see {@link https://docs.deno.com/api/deno/~/Deno.loadavg}
   */
  readonly load?: number;
}

/** The JSON document of a run. */
export interface Report {
  readonly machine: Machine;
  readonly quick: boolean;
  readonly rows: readonly Row[];
}

/** A program that measures. */
export interface Program {
  /** The start of the help: what it measures, and how to run it. */
  readonly help: string;
  /** The name of its task in `deno.json`. */
  readonly task: string;
  /** All sections, in the order in which they run. */
  readonly sections: readonly Section[];
  /** Adds more to the JSON document, or to the end of the table. */
  readonly extra?: Extra;
}

/** More than rows, which a program reports when all rows are measured. */
export interface Extra {
  /** Returns fields for the JSON document. */
  fields(): Readonly<Record<string, unknown>>;
  /** Returns lines to print after the table. */
  lines(): readonly string[];
}

interface Request {
  readonly help: boolean;
  readonly json: boolean;
  readonly quick: boolean;
  readonly wanted: ReadonlySet<string>;
}

/** Runs a program with the arguments of this process. */
export async function runProgram(program: Program): Promise<void> {
  const request = requestOrExit(program, Deno.args);
  if (request.help) return console.log(describe(program));
  const { quick } = request;
  const machine = describeMachine();
  if (isBusy(machine)) {
    console.error(
      `warning: other programs disturb the figures: the load is ${machine.load}`,
    );
  }
  if (!request.json) {
    printMachine(machine);
    await measure(program, request, printSection);
    for (const line of program.extra?.lines() ?? []) console.log(line);
    return;
  }
  const rows: Row[] = [];
  await measure(program, request, (_section, measured) => {
    rows.push(...measured);
  });
  const report: Report = { machine, quick, ...program.extra?.fields(), rows };
  console.log(JSON.stringify(report, null, 2));
}

function describe({ help, task, sections }: Program): string {
  return `${help}

Usage: deno task ${task} [options]

Options:
  --only <name>  Run the rows whose names contain this; can be repeated
  --quick        Do a tenth of the work; the figures mean little
  --json         Print one JSON document instead of a table
  --help         Print this

Rows:
${sections.map(({ names }) => `  ${names.join(" ")}`).join("\n")}
`;
}

/** Describes this machine. */
export function describeMachine(): Machine {
  return {
    deno: Deno.version.deno,
    cpu: cpus()[0]?.model ?? null,
    cores: navigator.hardwareConcurrency,
    os: `${Deno.build.os} ${Deno.osRelease()} ${Deno.build.arch}`,
    load: Deno.loadavg()[0]!,
  };
}

/** Whether other programs kept the machine busy, which disturbs all figures. */
export function isBusy({ load = 0, cores }: Machine): boolean {
  return load > cores;
}

function requestOrExit(program: Program, args: string[]): Request {
  try {
    return parseRequest(program, args);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    console.error(`error: ${error.message}`);
    Deno.exit(1);
  }
}

/** @throws {TypeError} If an option or a row doesn't exist. */
function parseRequest({ sections }: Program, args: string[]): Request {
  const { help, json, quick, only } = parseArgs(args, {
    boolean: ["quick", "json", "help"],
    string: ["only"],
    collect: ["only"],
    unknown: (arg) => {
      throw new TypeError(`There is no option '${arg}', see --help`);
    },
  });
  const names = sections.flatMap((section) => section.names);
  return { help, json, quick, wanted: wantedNames(names, only) };
}

/** Returns the names that contain one of the parts; all without parts. */
function wantedNames(
  names: readonly string[],
  parts: readonly string[],
): ReadonlySet<string> {
  for (const part of parts) {
    if (names.some((name) => name.includes(part))) continue;
    throw new TypeError(`There is no row with '${part}', see --help`);
  }
  if (parts.length === 0) return new Set(names);
  return new Set(
    names.filter((name) => parts.some((part) => name.includes(part))),
  );
}

async function measure(
  { sections }: Program,
  { wanted, quick }: Request,
  onRows: (section: Section, rows: readonly Row[]) => void,
): Promise<void> {
  const effort: Effort = quick ? QUICK : FULL;
  for (const section of sections) {
    if (!section.names.some((name) => wanted.has(name))) continue;
    onRows(section, await section.run(wanted, effort));
  }
}

function printMachine({ deno, cpu, cores, os }: Machine): void {
  console.log(`Deno ${deno}, ${cpu ?? "unknown CPU"}, ${cores} cores, ${os}`);
}

function printSection({ title }: Section, rows: readonly Row[]): void {
  console.log(`\n${title}`);
  const width = Math.max(20, ...rows.map(({ name }) => name.length));
  for (const { name, unit, value, ratios } of rows) {
    const figure = value === null ? "not available" : format(value.median);
    const range = value === null ? "" : formatRange(value);
    const ratio = Object.entries(ratios)
      .map(([limit, { median }]) => `${format(median)} × ${limit}`)
      .join(", ");
    const columns = [
      name.padEnd(width),
      figure.padStart(12),
      unit.padEnd(5),
      range.padEnd(26),
      ratio,
    ];
    console.log(columns.join(" ").trimEnd());
  }
}

function formatRange({ min, max }: Spread): string {
  return `(${format(min)} – ${format(max)})`;
}

/** Formats with three significant digits, or all before the point. */
export function format(value: number): string {
  const magnitude = Math.floor(Math.log10(Math.abs(value) || 1));
  const digits = Math.max(0, 2 - magnitude);
  return value.toLocaleString("en-US", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}
