import { makeError } from "./error_classes.ts";
import { messageOf, UnsendablePart } from "./unsendable_part.ts";

/** The longest path that is shown in full, in steps. */
const MAX_STEPS = 100;

const ADVICE = "send plain data, or make it in the task itself";

/**
 * Makes an error that names the part of a value that can't be sent.
 *
 * @param root The value's name, such as `"args"` or `"result"`.
 * @param reason The error that the encoder threw.
 * @returns A `DOMException` named `"DataCloneError"`, as `structuredClone`
 * throws.
 */
export function unsendableError(root: string, reason: unknown): Error {
  const { problem, wayOut } = reason instanceof UnsendablePart
    ? describe(root, reason)
    : {
      problem: `${root} can't be sent: ${messageOf(reason)}`,
      wayOut: ADVICE,
    };
  const message = `${problem}; ${wayOut}`;
  const error = makeError("DOMException", "DataCloneError", message);
  // The encoder's stack means nothing to users.
  Object.defineProperty(error, "stack", {
    value: `${error.name}: ${message}`,
    writable: true,
    configurable: true,
  });
  return error;
}

/** What is wrong with a value, and what to do about it. */
interface Description {
  readonly problem: string;
  readonly wayOut: string;
}

function describe(root: string, reason: UnsendablePart): Description {
  const downward = reason.steps.toReversed();
  const passed = new Set<object>();
  for (const [depth, { container }] of downward.entries()) {
    if (passed.has(container)) {
      const path = downward.slice(0, depth).map(pathOf);
      return {
        problem: `${root}${shorten(path)} is part of a cycle`,
        wayOut: 'send a tree, or make the pool with codec: "structured"',
      };
    }
    passed.add(container);
  }
  const problem = reason.why === undefined
    ? `${root} can't be sent: ${reason.message}`
    : `${root}${shorten(downward.map(pathOf))} ${reason.why}`;
  return { problem, wayOut: ADVICE };
}

function pathOf({ access }: { access: number | string }): string {
  return typeof access === "number" ? `[${access}]` : access;
}

function shorten(path: readonly string[]): string {
  if (path.length <= MAX_STEPS) return path.join("");
  const half = MAX_STEPS / 2;
  return `${path.slice(0, half).join("")}…${path.slice(-half).join("")}`;
}

/**
 * Makes the error for what a getter sends while its value is being sent.
 *
 * @param root The name of what it sends, such as `"message"`.
 * @returns A `DOMException` named `"InvalidStateError"`.
 */
export function sentByGetter(root: string): Error {
  const message =
    `The ${root} can't be sent by a getter of a value that is being sent: send it before or after`;
  return makeError("DOMException", "InvalidStateError", message);
}
