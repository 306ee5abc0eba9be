import type { CallerTrace } from "./caller_trace.ts";

/** What may end a call, or a map, before it returns. */
export interface Limits {
  /** How long it may take, in milliseconds. */
  readonly timeout?: number | undefined;
  /** Ends it when it is aborted. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Calls `end` with the reason once a limit is reached.
 *
 * @param trace The caller, whose frames a time-out's reason is to have.
 * @param what What it is that takes too long then.
 * @returns A function that ends the watch.
 */
export function watchLimits(
  { timeout, signal }: Limits,
  end: (reason: unknown) => void,
  trace?: CallerTrace,
  what: "call" | "map" = "call",
): () => void {
  const stop = () => {
    clearTimeout(timer);
    unwatch?.();
  };
  const timer = timeout === undefined ? undefined : setTimeout(() => {
    stop();
    const reason = timedOut(what, timeout);
    end(trace === undefined ? reason : trace.addTo(reason));
  }, timeout);
  const unwatch = signal === undefined ? undefined : onAbort(signal, () => {
    stop();
    end(signal.reason);
  });
  return stop;
}

function timedOut(what: string, timeout: number): DOMException {
  const message = `The ${what} took longer than its timeout of ${timeout} ms`;
  const error = new DOMException(message, "TimeoutError");
  // Which timer it was says nothing to a user.
  Object.defineProperty(error, "stack", {
    value: `${error.name}: ${message}`,
    writable: true,
    configurable: true,
  });
  return error;
}

interface Watch {
  readonly callbacks: Set<() => void>;
  readonly listener: () => void;
}

const watches = new WeakMap<AbortSignal, Watch>();

/**
 * Has a signal call back when it is aborted. All callbacks share one listener,
 * as each further one would make all of them slower to add and to remove.
 *
 * @returns A function that takes the callback back.
 */
function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const { callbacks, listener } = watchOf(signal);
  if (callbacks.size === 0) signal.addEventListener("abort", listener);
  callbacks.add(callback);
  return () => {
    if (!callbacks.delete(callback) || callbacks.size > 0) return;
    signal.removeEventListener("abort", listener);
  };
}

function watchOf(signal: AbortSignal): Watch {
  let watch = watches.get(signal);
  if (watch === undefined) {
    const callbacks = new Set<() => void>();
    const listener = () => {
      for (const callback of [...callbacks]) callback();
    };
    watch = { callbacks, listener };
    watches.set(signal, watch);
  }
  return watch;
}
