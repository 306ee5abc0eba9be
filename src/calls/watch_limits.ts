import { type CallerTrace, withoutFrames } from "./caller_trace.ts";

/** Limits that can end a call or a map early. */
export interface Limits {
  /** How long the call or map may take, in milliseconds. */
  readonly timeout?: number | undefined;
  /** Aborting this signal ends the call or map. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Calls `end` with the reason when the timeout expires or the signal is
 * aborted.
 *
 * @param trace The caller, whose frames are added to a timeout error.
 * @param what The subject of the timeout error's message.
 * @returns A function that stops watching.
 */
export function watchLimits(
  { timeout, signal }: Limits,
  end: (reason: unknown) => void,
  trace?: CallerTrace,
  what: "call" | "map" | "transform" = "call",
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
  // A pending call keeps the program alive, unless nobody awaits it. A map may
  // wait for its inputs alone.
  if (timer !== undefined && what === "call") Deno.unrefTimer(timer);
  const unwatch = signal === undefined ? undefined : onAbort(signal, () => {
    stop();
    end(signal.reason);
  });
  return stop;
}

function timedOut(what: string, timeout: number): DOMException {
  const message = `The ${what} took longer than its timeout of ${timeout} ms`;
  return withoutFrames(new DOMException(message, "TimeoutError"));
}

interface Watch {
  readonly callbacks: Set<() => void>;
  readonly listener: () => void;
}

const watches = new WeakMap<AbortSignal, Watch>();

/**
 * Calls `callback` when a signal is aborted. All callbacks of a signal share
 * one listener, because adding or removing one gets slower with their number.
 *
 * @returns A function that removes the callback.
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
