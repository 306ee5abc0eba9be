import type { CallLabel } from "./call_label.ts";
import { trackCalls } from "./task_context.ts";

/** The methods of `console` that print, or follow from one that does. */
const METHODS = [
  ...["assert", "count", "countReset", "debug", "dir", "dirxml", "error"],
  ...["group", "groupCollapsed", "groupEnd", "info", "log", "table", "time"],
  ...["timeEnd", "timeLog", "trace", "warn"],
];

/** How deep `console` shows objects in Deno. */
const DEPTH = 4;

// Tasks may replace them.
const { noColor, stdout, stderr } = Deno;

type Print = (...args: unknown[]) => void;

/**
 * Puts the call that a task runs for before each line that the task prints with
 * `console`, from now on and also after it has awaited something. Call it before
 * any code of the user is loaded.
 */
export async function labelOutput(): Promise<void> {
  const { AsyncLocalStorage } = await import("node:async_hooks");
  const { Console } = await import("node:console");
  const labels = new AsyncLocalStorage<CallLabel>();
  const consoles = new WeakMap<CallLabel, Record<string, Print>>();
  trackCalls(labels);
  const methods = console as unknown as Record<string, Print>;
  for (const method of METHODS) {
    const print = methods[method]!;
    methods[method] = (...args) => {
      const label = labels.getStore();
      if (label === undefined) return print(...args);
      let labeled = consoles.get(label);
      if (labeled === undefined) {
        // Each call has groups, counts and timers of its own.
        labeled = makeConsole(Console, label);
        consoles.set(label, labeled);
      }
      labeled[method]!(...args);
    };
  }
}

function makeConsole(
  Console: typeof import("node:console").Console,
  label: CallLabel,
): Record<string, Print> {
  const prefix = `[${label.task} #${label.number}] `;
  return new Console({
    stdout: new LabeledLines(prefix, stdout) as unknown as NodeJS.WriteStream,
    stderr: new LabeledLines(prefix, stderr) as unknown as NodeJS.WriteStream,
    colorMode: !noColor && stdout.isTerminal(),
    inspectOptions: { depth: DEPTH },
  }) as unknown as Record<string, Print>;
}

/** The part of a stream that a console uses. */
class LabeledLines {
  readonly #prefix: string;
  readonly #stream: typeof stdout;

  constructor(prefix: string, stream: typeof stdout) {
    this.#prefix = prefix;
    this.#stream = stream;
  }

  /** Writes lines, each with the prefix; a console ends all of them. */
  write(text: string): true {
    const lines = text.slice(0, -1).replaceAll("\n", `\n${this.#prefix}`);
    let bytes = new TextEncoder().encode(`${this.#prefix}${lines}\n`);
    try {
      while (bytes.length > 0) {
        bytes = bytes.subarray(this.#stream.writeSync(bytes));
      }
    } catch {
      // Nobody reads the stream any more.
    }
    return true;
  }

  /** A console listens for errors while it writes. */
  once(): void {}

  removeListener(): void {}

  listenerCount(): number {
    return 0;
  }
}
