import { COLUMNS_BEFORE_SOURCE, LINES_BEFORE_SOURCE } from "./evaluate_task.ts";
import type { LoadedTask } from "./task_table.ts";

const NOT_DEFINED = " is not defined";

/** The text in a stack frame between the name of evaluated code and the line. */
const EVALUATED_AT = ", <anonymous>:";

const FRAME_PREFIXES = ["    at ", "    at async "];

/**
 * The beginning of the locations of this package's stack frames: this folder
 * or, in a bundle, this file.
 */
const OWN_LOCATION = locationOf(import.meta.url).replace(/\/thrown\.ts$/, "/");

/**
 * Prepares a thrown value for its user: cuts the worker's own frames off an
 * error's stack, and explains which variables and modules an inline task can't
 * reach.
 */
export function prepareThrown(thrown: unknown, task: LoadedTask): unknown {
  try {
    if (!(thrown instanceof Error)) return thrown;
    const { stack, message } = thrown;
    const hint = task.inline ? scopeHint(thrown) || importHint(thrown) : "";
    const hinted = hint !== "" && !message.endsWith(hint);
    if (hinted) thrown.message += hint;
    if (typeof stack === "string") {
      const own = ownFrames(stack);
      thrown.stack = hinted ? own.replace(message, () => message + hint) : own;
    }
  } catch {
    // A frozen error is sent unchanged; the encoder refuses a revoked proxy.
  }
  return thrown;
}

function scopeHint(error: Error): string {
  if (!(error instanceof ReferenceError)) return "";
  // Only the message names the variable.
  if (!error.message.endsWith(NOT_DEFINED)) return "";
  const name = error.message.slice(0, -NOT_DEFINED.length);
  if (name === "" || name in globalThis) return "";
  return `: an inline task is sent as source, so it sees its arguments and globals but not the variables around it; pass '${name}' as an argument, give it with bind(), or put the task in a module and use importTasks()`;
}

function importHint(error: Error): string {
  const { code } = error as { code?: unknown };
  if (code !== "ERR_MODULE_NOT_FOUND") return "";
  return "\nimport() in an inline task takes URLs and the names of packages: for a relative path, pass what import.meta.resolve() returns for it as an argument, or put the task in a module and use importTasks()";
}

function ownFrames(stack: string): string {
  const lines = stack.split("\n");
  const end = lines.findIndex(isOwn);
  const frames = end < 0 ? lines : lines.slice(0, end);
  return frames.map((line) => withOwnLine(withoutContext(line))).join("\n");
}

/**
 * Counts lines and columns from the start of an inline task's source. V8 counts
 * them from the start of the evaluated code around it.
 */
function withOwnLine(frame: string): string {
  const start = frame.lastIndexOf(EVALUATED_AT);
  const task = frame.lastIndexOf(" (task:");
  // Code that the task itself evaluates has another bracket before its location.
  const isTask = task >= 0 && start >= 0 && frame.startsWith("    at ") &&
    frame.indexOf(")", task) === frame.length - 1;
  if (!isTask) return frame;
  const place = frame.slice(start + EVALUATED_AT.length, -1).split(":");
  const line = Number(place[0]) - LINES_BEFORE_SOURCE;
  const column = Number(place[1]) - (line === 1 ? COLUMNS_BEFORE_SOURCE : 0);
  return `${frame.slice(0, start)}:${line}:${column})`;
}

function isOwn(line: string): boolean {
  if (!line.startsWith("    at ")) return false;
  return line.includes(` (${OWN_LOCATION}`) ||
    FRAME_PREFIXES.some((prefix) => line.startsWith(prefix + OWN_LOCATION));
}

/** Hides the class of a task's `this`, which means nothing to its user. */
function withoutContext(line: string): string {
  for (const prefix of FRAME_PREFIXES) {
    if (line.startsWith(`${prefix}TaskContext.`)) {
      return prefix + line.slice(prefix.length + "TaskContext.".length);
    }
  }
  return line;
}

/** Returns how stack frames show the URL of a module: decoded. */
function locationOf(url: string): string {
  try {
    return decodeURIComponent(url);
  } catch {
    return url;
  }
}
