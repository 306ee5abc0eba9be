import jsTokens, { type Token } from "js-tokens";
import { isCode } from "./is_code.ts";

/** A function in a form that another process can evaluate. */
export interface FunctionSource {
  /** An expression that evaluates to the function. */
  readonly source: string;
  /** The function's name, or a placeholder if it has none. */
  readonly name: string;
}

/** Why a function can't be sent, and how to fix that. */
interface Obstacle {
  readonly why: string;
  readonly wayOut: string;
}

const USE_MODULE = "export it from a module and use importTasks()";

const USE_MODULE_OR_ARROW =
  `${USE_MODULE}, or wrap it in an arrow function that takes everything it needs as arguments`;

/** Helper functions that Deno's compiler adds to a module. */
const COMPILER_HELPER =
  /^(?:_apply_decs_\w+|_ts_(?:decorate|metadata|param)|_jsx\w*)$/;

/** A source without a match needs no closer look. */
const SUSPICIOUS = /\bimport\b|_apply_decs_|_ts_|_jsx/;

/**
 * Turns a function into source that evaluates to the same function elsewhere.
 *
 * @throws {TypeError} If it has no source, or if the source depends on
 * something that isn't sent: its object, its class, its module, or a helper of
 * the compiler.
 */
export function functionSource(
  task: (...args: never[]) => unknown,
): FunctionSource {
  const text = Function.prototype.toString.call(task);
  const name = task.name === "" ? "anonymous task" : task.name;
  const obstacle = findObstacle(text, name);
  if (obstacle !== undefined) throw refusal(name, obstacle);
  if (evaluates(text)) return { source: text, name };
  const source = methodSource(text);
  if (typeof source !== "string") throw refusal(name, source);
  return { source, name };
}

function findObstacle(text: string, name: string): Obstacle | undefined {
  if (isNative(text)) {
    return name.startsWith("bound ")
      ? {
        why: "is a bound function, which has no source to send",
        wayOut: "use this package's bind(), which sends the arguments too",
      }
      : {
        why: "is a native function, which has no source to send",
        wayOut: "wrap it in an arrow function, as in (x) => Math.sqrt(x)",
      };
  }
  if (/^class\b/.test(text)) {
    return { why: "is a class, which can't be called", wayOut: USE_MODULE };
  }
  return SUSPICIOUS.test(text) ? findModuleNeed(text) : undefined;
}

function isNative(text: string): boolean {
  const body = text.slice(text.lastIndexOf("{"));
  return /^\{\s*\[native code\]\s*\}$/.test(body);
}

/** Finds something that a function needs from its module. */
function findModuleNeed(text: string): Obstacle | undefined {
  const tokens = codeTokens(text);
  for (let index = 0; index < tokens.length; index++) {
    const { type, value } = tokens[index]!;
    if (type !== "IdentifierName") continue;
    const [before, next, after] = [index - 1, index + 1, index + 2]
      .map((at) => tokens[at]?.value ?? "");
    if (before === "." || before === "?.") continue;
    if (COMPILER_HELPER.test(value) && next === "(") {
      const what = value.startsWith("_jsx") ? "JSX" : "decorators";
      return {
        why:
          `uses ${what}, which the compiler turns into calls of '${value}' outside of the function`,
        wayOut: USE_MODULE,
      };
    }
    if (value !== "import") continue;
    if (next === "." && after === "meta") {
      return {
        why: "uses import.meta, which belongs to its module",
        wayOut: `${USE_MODULE}, or pass the needed parts as an argument`,
      };
    }
    if (next === "(" && /^["'`]\.{0,2}\//.test(after!)) {
      return {
        why: `has a relative import(${after}), which needs its module's URL`,
        wayOut:
          `${USE_MODULE}, or pass the module's URL, as import.meta.resolve() returns it, as an argument`,
      };
    }
  }
  return undefined;
}

/**
 * Turns a method's source, which is valid only in an object literal, into an
 * expression.
 */
function methodSource(text: string): string | Obstacle {
  const own = findOwnReference(text);
  if (own !== undefined) {
    return {
      why: `is a method that uses '${own}', which isn't sent`,
      wayOut: USE_MODULE_OR_ARROW,
    };
  }
  const isComputed = /^(?:async\b\s*)?(?:\*\s*)?\[/.test(text);
  if (isComputed || /^[gs]et\b\s*[^\s(]/.test(text)) {
    return {
      why:
        "is an accessor or has a computed name, so its source isn't complete",
      wayOut: USE_MODULE_OR_ARROW,
    };
  }
  const source = `Object.values({ ${text} })[0]`;
  if (evaluates(source)) return source;
  return {
    why: "can't be evaluated outside of its class or object",
    wayOut: USE_MODULE_OR_ARROW,
  };
}

/** Whether the source is a valid expression. Compiles it but doesn't run it. */
function evaluates(source: string): boolean {
  try {
    new Function(`return (${source}\n)`);
    return true;
  } catch {
    return false;
  }
}

/**
 * Finds `this`, `super` or a private name in a method, except in inner
 * functions and classes, which have their own. This detects methods of classes,
 * which JavaScript doesn't distinguish from methods of objects.
 */
function findOwnReference(text: string): string | undefined {
  let depth = 0;
  let afterDot = false;
  /** The depth at which the body of an inner function or class ends. */
  let inner: number | undefined;
  let innerBegins = false;
  for (const { type, value } of codeTokens(text)) {
    if (value === "(" || value === "{" || value === "[") {
      if (innerBegins && value === "{") {
        innerBegins = false;
        inner = depth;
      }
      depth++;
    } else if (value === ")" || value === "}" || value === "]") {
      if (--depth === inner) inner = undefined;
    } else if (inner === undefined && !afterDot) {
      if (type === "PrivateIdentifier") return value;
      if (type === "IdentifierName") {
        if (value === "this" || value === "super") return value;
        if (value === "function" || value === "class") innerBegins = true;
      }
    }
    afterDot = value === "." || value === "?.";
  }
  return undefined;
}

/** Returns the tokens of a source without white space and comments. */
function codeTokens(text: string): Token[] {
  return Array.from(jsTokens(text)).filter(isCode);
}

function refusal(name: string, { why, wayOut }: Obstacle): TypeError {
  return new TypeError(
    `The task '${name}' can't be sent to a worker: it ${why}; ${wayOut}`,
  );
}
