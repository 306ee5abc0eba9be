/** What was found out about all hosts. */
export interface Report {
  /** Whether all is well on all of them. */
  readonly ok: boolean;
  /** The hosts, in the order in which they were given. */
  readonly hosts: readonly HostReport[];
}

/** What was found out about a host. */
export interface HostReport {
  /** The host as it was given. */
  readonly spec: string;
  /** How it is reached. */
  readonly kind: "ssh" | "spawner";
  /** Whether all is well. */
  readonly ok: boolean;
  /** What was checked, in this order. */
  readonly steps: readonly StepReport[];
  /** What was measured; `null` is what wasn't got at. */
  readonly figures: Readonly<Figures>;
}

/** What was found out in one step. */
export interface StepReport {
  /** What was checked. */
  readonly name: string;
  /** Whether it is as it should be; `null` if one before it isn't. */
  readonly ok: boolean | null;
  /** What there is, or why it isn't as it should be. */
  readonly detail: string;
  /** What may help. */
  readonly hint?: string;
}

/** What can be said about a host in numbers. */
export interface Figures {
  /** How many workers were started. */
  workers: number | null;
  /** How long it took until all had connected, in milliseconds. */
  start: number | null;
  /** How long a tiny task takes there and back, in milliseconds. */
  roundTrip: number | null;
  /** How many tiny tasks can be done in a second. */
  throughput: number | null;
  /** How far its clock is ahead of the one here, in milliseconds. */
  clockOffset: number | null;
  /** How many CPUs it has. */
  cpus: number | null;
  /** How much memory it has, in bytes. */
  memory: number | null;
}

/** What text is to look like. */
export interface TextStyle {
  /** Whether there are ANSI colours in it. */
  readonly color: boolean;
  /** How many characters fit in a line. */
  readonly width: number;
}

const NAME_WIDTH = 14;

/** Where details begin: two spaces, a mark, a space and the name before it. */
const DETAIL_COLUMN = 4 + NAME_WIDTH;

/** Lines don't get shorter than this, however narrow the terminal is. */
const MIN_WIDTH = 24;

const RED = 31;
const GREEN = 32;
const YELLOW = 33;
const BOLD = 1;
const DIM = 2;

/** The line above the steps of a host. */
export function headerText(spec: string, { color }: TextStyle): string {
  return paint(printable(spec), BOLD, color);
}

/** The steps of a host: a line each, and more where there is more to say. */
export function stepsText(
  { steps }: Pick<HostReport, "steps">,
  style: TextStyle,
): string {
  return steps.map((step) => stepText(step, style)).join("\n");
}

/** What the hosts come to, in one line. */
export function summaryText({ hosts }: Report, { color }: TextStyle): string {
  const bad = hosts.filter(({ ok }) => !ok).length;
  if (bad === 0) return paint("All is well", GREEN, color);
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

/** Breaks lines between words; those that are indented stay so. */
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

/** Without what a terminal might obey: some of it was said by a host. */
function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n]/gu, "\uFFFD");
}

function paint(text: string, code: number, color: boolean): string {
  return color ? `\x1b[${code}m${text}\x1b[0m` : text;
}
