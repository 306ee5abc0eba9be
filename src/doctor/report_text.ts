import type { HostReport, Report, StepReport } from "./report.ts";

/** How a report is printed. */
export interface TextStyle {
  /** Whether to use ANSI colours. */
  readonly color: boolean;
  /** The number of characters in a line. */
  readonly width: number;
}

const NAME_WIDTH = 14;

/** The column of details, after two spaces, a mark, a space and the name. */
const DETAIL_COLUMN = 4 + NAME_WIDTH;

/** The shortest line, even on a narrower terminal. */
const MIN_WIDTH = 24;

const RED = 31;
const GREEN = 32;
const YELLOW = 33;
const BOLD = 1;
const DIM = 2;

/** Returns the line above the steps of a host. */
export function headerText(spec: string, { color }: TextStyle): string {
  return paint(printable(spec), BOLD, color);
}

/** Returns the steps of a host, at least one line for each. */
export function stepsText(
  { steps }: Pick<HostReport, "steps">,
  style: TextStyle,
): string {
  return steps.map((step) => stepText(step, style)).join("\n");
}

/** Returns a one-line summary of all hosts. */
export function summaryText({ hosts }: Report, { color }: TextStyle): string {
  const bad = hosts.filter(({ ok }) => !ok).length;
  if (bad === 0) return paint("All checks passed", GREEN, color);
  const which = hosts.length === 1
    ? "The host has"
    : `${bad} of ${hosts.length} hosts ${bad === 1 ? "has" : "have"}`;
  return paint(`${which} a problem`, RED, color);
}

function stepText(
  { name, ok, detail, hint }: StepReport,
  { color, width }: TextStyle,
): string {
  if (ok === null) return paint(`  – ${name}`, DIM, color);
  const mark = ok ? paint("✓", GREEN, color) : paint("✗", RED, color);
  const room = Math.max(MIN_WIDTH, width - DETAIL_COLUMN);
  const lines = wrap(printable(detail), room);
  if (hint !== undefined) {
    const [first, ...others] = wrap(printable(hint), room - 2);
    lines.push(...[`→ ${first}`, ...others.map((line) => `  ${line}`)].map(
      (line) => paint(line, YELLOW, color),
    ));
  }
  const text = lines.join(`\n${" ".repeat(DETAIL_COLUMN)}`);
  return `  ${mark} ${name.padEnd(NAME_WIDTH)}${text}`.trimEnd();
}

/** Breaks lines between words, and keeps their indentation. */
function wrap(text: string, width: number): string[] {
  return text.split("\n").flatMap((line) => {
    const indent = line.match(/^ */)![0];
    const lines: string[] = [];
    let current = "";
    for (const word of line.trim().split(/ +/)) {
      const longer = current === "" ? indent + word : `${current} ${word}`;
      if (current === "" || longer.length <= width) current = longer;
      else {
        lines.push(current);
        current = indent + word;
      }
    }
    return [...lines, current];
  });
}

/** Replaces control characters, because some of the text comes from a host. */
function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n]/gu, "\uFFFD");
}

function paint(text: string, code: number, color: boolean): string {
  return color ? `\x1b[${code}m${text}\x1b[0m` : text;
}
