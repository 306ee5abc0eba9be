/** Is told when the program prints. */
export interface OutputListener {
  /** Handles that something is about to be printed. */
  before(): void;
  /**
   * Handles that it was printed.
   *
   * @param endsLine Whether the cursor is at the start of a line now.
   */
  after(endsLine: boolean): void;
}

type Method = (...args: unknown[]) => unknown;

const LINE_FEED = 10;

/** The methods of `console` that print. */
const CONSOLE_METHODS = [
  "assert",
  "clear",
  "count",
  "countReset",
  "debug",
  "dir",
  "dirxml",
  "error",
  "group",
  "groupCollapsed",
  "info",
  "log",
  "table",
  "timeEnd",
  "timeLog",
  "trace",
  "warn",
];

/** The functions that print a question and wait for an answer. */
const DIALOGS = ["alert", "confirm", "prompt"];

/**
 * Listens to what this program prints on a terminal, by replacing the functions
 * that print.
 *
 * @returns A function that restores them.
 */
export function hookOutput(listener: OutputListener): () => void {
  const printing = (print: Method): Method =>
    function (this: unknown, ...args) {
      listener.before();
      try {
        return Reflect.apply(print, this, args);
      } finally {
        listener.after(true);
      }
    };
  const restorers = [
    ...CONSOLE_METHODS.map((name) => replace(console, name, printing)),
    ...DIALOGS.map((name) => replace(globalThis, name, printing)),
    ...[Deno.stdout, Deno.stderr]
      .filter((stream) => stream.isTerminal())
      .flatMap((stream) => hookStream(stream, listener)),
  ];
  return () => {
    for (const restore of restorers) restore();
  };
}

/** Listens to what is written to a stream. */
function hookStream(
  stream: typeof Deno.stdout,
  listener: OutputListener,
): (() => void)[] {
  const writing = (write: Method): Method =>
    function (this: unknown, ...args) {
      const [bytes] = args as [Uint8Array];
      // The bytes may change while they are written.
      const endsLine = bytes?.at?.(-1) === LINE_FEED;
      const written = () => listener.after(endsLine);
      listener.before();
      let result: unknown;
      try {
        result = Reflect.apply(write, this, args);
      } catch (error) {
        written();
        throw error;
      }
      if (result instanceof Promise) result.then(written, written);
      else written();
      return result;
    };
  return [
    replace(stream, "write", writing),
    replace(stream, "writeSync", writing),
  ];
}

/**
 * Replaces a method of an object, if the object permits it.
 *
 * @returns A function that restores it, unless someone has replaced it since.
 */
function replace(
  owner: object,
  name: string,
  wrap: (method: Method) => Method,
): () => void {
  const methods = owner as Record<string, Method>;
  const method = methods[name];
  if (typeof method !== "function") return () => {};
  const own = Object.getOwnPropertyDescriptor(owner, name);
  const value = wrap(method);
  const isReplaced = Reflect.defineProperty(owner, name, {
    value,
    writable: true,
    enumerable: own?.enumerable ?? false,
    configurable: true,
  });
  return () => {
    if (!isReplaced || methods[name] !== value) return;
    if (own === undefined) delete methods[name];
    else Reflect.defineProperty(owner, name, own);
  };
}
