import jsTokens from "js-tokens";

/** A function in a form that another process can evaluate. */
export interface FunctionSource {
  /** An expression that evaluates to the function. */
  readonly source: string;
  /** The function's name, or a stand-in for one. */
  readonly name: string;
}

const WAY_OUT =
  "export it from a module and use importTasks(), or wrap it in an arrow function that takes all it needs as arguments";

/**
 * Turns a function into source that evaluates to the same function elsewhere.
 *
 * @throws {TypeError} If it has no source of its own, or its source needs what
 * stays behind: the object or class it belongs to.
 */
export function functionSource(
  task: (...args: never[]) => unknown,
): FunctionSource {
  const text = Function.prototype.toString.call(task);
  const name = task.name === "" ? "anonymous task" : task.name;
  if (/\{\s*\[native code\]\s*\}$/.test(text)) {
    const kind = name.startsWith("bound ") ? "bound" : "native";
    throw refusal(
      name,
      `is a ${kind} function, which has no source to send`,
      kind === "bound"
        ? "use bind() of this package, which sends the arguments along"
        : "wrap it in an arrow function, as in (x) => Math.sqrt(x)",
    );
  }
  if (/^class\b/.test(text)) {
    throw refusal(name, "is a class, which can't be called", WAY_OUT);
  }
  if (evaluates(text)) return { source: text, name };
  const own = ownThis(text);
  if (own !== undefined) {
    throw refusal(
      name,
      `is a method that uses '${own}', which stays behind`,
      WAY_OUT,
    );
  }
  const source = methodSource(text, name);
  if (source === undefined) {
    throw refusal(
      name,
      "belongs to a class or object and needs it to be evaluated",
      WAY_OUT,
    );
  }
  return { source, name };
}

/** A method's source stands only within an object literal. */
function methodSource(text: string, name: string): string | undefined {
  // A computed key's expression would need the variables around it.
  const source = /^(async\b\s*)?\*?\s*\[/.test(text)
    ? undefined
    : `Object.values({ ${text} })[0]`;
  if (source === undefined || /^[gs]et\b\s*[^\s(]/.test(text)) {
    throw refusal(
      name,
      "is an accessor or has a computed name, so its source can't stand alone",
      WAY_OUT,
    );
  }
  return evaluates(source) ? source : undefined;
}

/** Whether the source is valid by itself; it is compiled but not run. */
function evaluates(source: string): boolean {
  try {
    new Function(`return (${source}\n)`);
    return true;
  } catch {
    return false;
  }
}

/**
 * Finds `this`, `super` or a private name in a method, other than within the
 * functions and classes in it, which have their own. It is how the methods of
 * a class are told that can't travel: by themselves, JavaScript's functions
 * don't tell a class's method from an object's.
 */
function ownThis(text: string): string | undefined {
  let depth = 0;
  let afterDot = false;
  /** The depth at which an inner function's or class's body ends. */
  let inner: number | undefined;
  let innerBegins = false;
  for (const { type, value } of jsTokens(text)) {
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
    if (type !== "WhiteSpace") afterDot = value === "." || value === "?.";
  }
  return undefined;
}

function refusal(name: string, why: string, wayOut: string): TypeError {
  return new TypeError(
    `The task '${name}' can't be sent to a worker: it ${why}; ${wayOut}`,
  );
}
