import type { InlineDefinition } from "../protocol/worker_messages.ts";
import type { UserCode } from "./user_code.ts";

/** A function with any arguments. */
export type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;

/** The code before a task's source, on its first line. */
const BEFORE_SOURCE = "return (";

/** Lines that `new Function()` puts before the body of a function. */
export const LINES_BEFORE_SOURCE = 2;

/** The number of characters before a task's source on its first line. */
export const COLUMNS_BEFORE_SOURCE: number = BEFORE_SOURCE.length;

/** Evaluates a function's source in the global scope. */
export function evaluateTask(
  { evaluate }: UserCode,
  { source, name, map }: InlineDefinition,
): AnyFunction {
  const url = `task:${encodeURIComponent(name)}`;
  const comment = map === undefined ? "" : mapComment(map);
  return evaluate(
    `${BEFORE_SOURCE}${source}\n)\n//# sourceURL=${url}${comment}`,
  ) as AnyFunction;
}

/** Returns the comment by which debuggers find the map of a task's source. */
function mapComment(map: string): string {
  const offset = JSON.stringify({
    line: LINES_BEFORE_SOURCE,
    column: COLUMNS_BEFORE_SOURCE,
  });
  const whole = `{"version":3,"sections":[{"offset":${offset},"map":${map}}]}`;
  const base64 = new TextEncoder().encode(whole).toBase64();
  return `\n//# sourceMappingURL=data:application/json;base64,${base64}`;
}
