/** Tasks that a pool must survive. */

/** A task that harms its worker, and the expected outcome of its call. */
export interface BadTask {
  readonly name: string;
  readonly task: () => unknown;
  /** The expected outcome of the call; by default, any. */
  readonly outcome?: "time-out" | "lost" | "error" | "value";
}

declare const process: { exit(): never; abort(): never };

/** All bad tasks, except those that replace built-ins. */
export const BAD_TASKS: readonly BadTask[] = [
  {
    name: "never ends",
    task: () => {
      for (;;);
    },
    outcome: "time-out",
  },
  {
    name: "never settles",
    task: () => new Promise(() => {}),
    outcome: "time-out",
  },
  {
    name: "returns a thenable that never settles",
    task: () => ({ then() {} }),
    outcome: "time-out",
  },
  {
    name: "returns a thenable that throws",
    task: () => ({
      then() {
        throw new Error("no");
      },
    }),
    outcome: "error",
  },
  {
    name: "returns an object whose then can't be read",
    task: () => ({
      get then() {
        throw new Error("no");
      },
    }),
    outcome: "error",
  },
  {
    name: "returns a thenable that settles twice",
    task: () => ({
      then(resolve: (x: number) => void, reject: (x: number) => void) {
        resolve(1);
        resolve(2);
        reject(3);
      },
    }),
    outcome: "value",
  },
  {
    name: "returns arrays nested a million deep",
    task: () => {
      let value: unknown[] = [];
      for (let depth = 0; depth < 1e6; depth++) value = [value];
      return value;
    },
    outcome: "error",
  },
  {
    name: "returns a cycle",
    task: () => {
      const value: Record<string, unknown> = {};
      value.self = value;
      return value;
    },
    outcome: "error",
  },
  {
    name: "returns an object whose getter throws",
    task: () => ({
      get x() {
        throw new Error("no");
      },
    }),
    outcome: "error",
  },
  {
    name: "returns a proxy that throws",
    task: () => {
      const fail = () => {
        throw new Error("no");
      };
      return new Proxy({}, {
        get: fail,
        ownKeys: fail,
        getPrototypeOf: fail,
      });
    },
    outcome: "error",
  },
  {
    name: "throws a proxy that throws",
    task: () => {
      const fail = () => {
        throw new Error("no");
      };
      throw new Proxy(new Error(), { get: fail, getPrototypeOf: fail });
    },
    outcome: "error",
  },
  {
    name: "returns an object with broken conversions",
    task: () => ({
      toJSON: undefined,
      [Symbol.toPrimitive]: null,
      valueOf: 1,
      toString: null,
      get [Symbol.toStringTag]() {
        throw new Error("no");
      },
    }),
    outcome: "value",
  },
  { name: "calls Deno.exit()", task: () => Deno.exit(), outcome: "lost" },
  {
    name: "calls Deno.exit() while a later result is awaited",
    task: async () => {
      await undefined;
      Deno.exit(1);
    },
    outcome: "lost",
  },
  { name: "calls process.exit()", task: () => process.exit(), outcome: "lost" },
  {
    name: "calls process.abort()",
    task: () => process.abort(),
    outcome: "lost",
  },
  {
    name: "kills its process",
    task: () => {
      Deno.kill(Deno.pid, "SIGKILL");
      for (;;);
    },
    outcome: "lost",
  },
  {
    name: "leaves a promise that is rejected",
    task: () => {
      Promise.reject(new Error("left"));
      setTimeout(() => Promise.reject(1), 1);
    },
    outcome: "value",
  },
  {
    name: "leaves timers and microtasks that throw",
    task: () => {
      const fail = () => {
        throw new Error("left");
      };
      setTimeout(fail, 0);
      setTimeout(fail, 1);
      queueMicrotask(fail);
      const odd = () => {
        throw null;
      };
      setTimeout(odd, 0);
    },
    outcome: "value",
  },
  {
    name: "reads stdin",
    task: async () => await Deno.stdin.read(new Uint8Array(10)),
  },
  {
    name: "listens to signals",
    task: () => {
      for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
        Deno.addSignalListener(signal, () => {});
      }
      Deno.kill(Deno.pid, "SIGTERM");
    },
    outcome: "value",
  },
  {
    name: "calls close() and dispatches events",
    task: () => {
      globalThis.dispatchEvent(new Event("unload"));
      globalThis.dispatchEvent(new Event("unhandledrejection"));
      globalThis.dispatchEvent(new Event("error"));
    },
    outcome: "value",
  },
];
