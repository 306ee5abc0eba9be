import type { LoadedTask } from "./task_table.ts";

/**
 * How the files begin whose stack frames lie between a task's and the
 * runtime's: they are in the folder of this one, or are this one if all is
 * bundled.
 */
const OWN_FILES = fileOf(new Error().stack!.split("\n")[1]!)!
  .replace(/\/thrown\.ts$/, "/");

/**
 * Makes what a task threw tell its user what they need to know: of an error,
 * the frames of the task itself, and what an inline function can't see.
 */
export function prepareThrown(thrown: unknown, task: LoadedTask): unknown {
  try {
    if (!(thrown instanceof Error)) return thrown;
    const { stack, message } = thrown;
    const hint = task.inline ? scopeHint(thrown) : "";
    const hinted = hint !== "" && !message.endsWith(hint);
    if (hinted) thrown.message += hint;
    if (typeof stack === "string") {
      const own = ownFrames(stack);
      thrown.stack = hinted ? own.replace(message, () => message + hint) : own;
    }
  } catch {
    // A frozen error travels as it is; of a proxy the encoder tells.
  }
  return thrown;
}

function scopeHint(error: Error): string {
  if (!(error instanceof ReferenceError)) return "";
  const name = / is not defined$/.test(error.message)
    ? error.message.slice(0, -" is not defined".length)
    : "";
  if (name === "" || name in globalThis) return "";
  return `: an inline task runs in another process, where it sees its arguments and globals but not the variables around it; pass '${name}' as an argument, give it with bind(), or put the task in a module and use importTasks()`;
}

function ownFrames(stack: string): string {
  const lines = stack.split("\n");
  const end = lines.findIndex((line) => fileOf(line)?.startsWith(OWN_FILES));
  const own = end < 0 ? stack : lines.slice(0, end).join("\n");
  // What a task has as its `this` is no news to its user.
  return own.replace(/^( +at (?:async )?)TaskContext\./gm, "$1");
}

/** The file that a stack frame is in, as V8 writes it. */
function fileOf(frame: string): string | undefined {
  return /((?:file|https?|blob|data):[^()]*|[^()\s]+):\d+:\d+\)?$/.exec(frame)
    ?.[1];
}
