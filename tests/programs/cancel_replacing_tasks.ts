import type { BadTask } from "./cancel_bad_tasks.ts";

/** Tasks that replace globals and built-ins. */
export const REPLACING_TASKS: readonly BadTask[] = [
  {
    name: "replaces Promise",
    task: () => void Object.assign(globalThis, { Promise: null }),
  },
  {
    name: "replaces then() of promises",
    task: () => {
      Promise.prototype.then = () => new Promise(() => {});
      Promise.resolve = () => new Promise<never>(() => {});
    },
  },
  {
    name: "replaces methods of arrays",
    task: () => {
      Array.prototype.push = () => 0;
      Array.prototype.map = () => [];
      Array.prototype.slice = () => [];
      Array.isArray = ((_: unknown) => false) as typeof Array.isArray;
    },
  },
  {
    name: "replaces iterators",
    task: () => {
      const next = () => ({ done: true, value: undefined });
      const iterator = [][Symbol.iterator]();
      Object.getPrototypeOf(iterator).next = next;
      Object.getPrototypeOf(new Map().entries()).next = next;
      Object.getPrototypeOf(new Set().values()).next = next;
      Array.prototype[Symbol.iterator] = () => iterator;
    },
  },
  {
    name: "replaces an async method's builtins",
    task: async () => {
      await undefined;
      Array.prototype.push = () => 0;
      Map.prototype.get = () => undefined;
    },
  },
  {
    name: "replaces builtins later",
    task: () => {
      setTimeout(() => {
        Array.prototype.push = () => 0;
        DataView.prototype.setUint32 = () => {};
        Map.prototype.delete = () => true;
      }, 0);
    },
  },
  {
    name: "replaces Date, Map and Set",
    task: () => {
      class FakeDate extends Date {}
      Object.assign(globalThis, { Date: FakeDate, Map: Array, Set: Array });
    },
  },
  {
    name: "replaces methods of maps and sets",
    task: () => {
      Map.prototype.get = Set.prototype.has = () => undefined as never;
      Map.prototype.set = Set.prototype.add = () => undefined as never;
      Map.prototype.entries = Set.prototype.values = () => [] as never;
    },
  },
  {
    name: "gives all objects setters and getters",
    task: () => {
      for (const key of ["a", "b", "c", "get", "set", "value", "then", "id"]) {
        Object.defineProperty(Object.prototype, key, {
          set() {},
          get: () => undefined,
          configurable: true,
        });
      }
    },
  },
  {
    name: "replaces JSON and the clock",
    task: () => {
      Object.assign(globalThis, { JSON: null });
      performance.now = () => NaN;
      Date.now = () => NaN;
    },
  },
  {
    name: "replaces binary classes and encoders",
    task: () => {
      const wrong = { TextEncoder: null, TextDecoder: null, Uint8Array: Array };
      Object.assign(globalThis, wrong, { DataView: null, ArrayBuffer: null });
    },
  },
  {
    name: "replaces methods of binary classes and encoders",
    task: () => {
      const empty = new Uint8Array();
      Uint8Array.prototype.subarray = () => empty;
      Object.getPrototypeOf(Uint8Array.prototype).subarray = () => empty;
      DataView.prototype.setFloat64 = () => {};
      TextEncoder.prototype.encodeInto = () => ({ read: 0, written: 0 });
      TextDecoder.prototype.decode = () => "wrong";
    },
  },
  {
    name: "replaces web classes",
    task: () => {
      const replaced = { AbortController: null, Blob: null, performance: null };
      Object.assign(globalThis, replaced, { DOMException: null, URL: null });
    },
  },
  {
    name: "replaces timers",
    task: () => {
      const never = () => 0;
      Object.assign(globalThis, {
        queueMicrotask: never,
        setImmediate: never,
        clearTimeout: never,
      });
    },
  },
  {
    name: "replaces apply() and call()",
    task: () => {
      Function.prototype.apply = () => "wrong";
      Function.prototype.call = () => "wrong";
      Reflect.apply = () => "wrong";
    },
  },
  {
    name: "replaces console",
    task: () => {
      const fail = () => {
        throw new Error("no");
      };
      Object.assign(console, { error: fail, log: fail });
      Object.assign(globalThis, { console: null });
      Promise.reject(new Error("left"));
    },
  },
  {
    name: "replaces methods of strings, and errors",
    task: () => {
      String.prototype.charCodeAt = () => 65;
      String.fromCharCode = () => "?";
      String.prototype.isWellFormed = () => false;
      String.prototype.split = () => [];
      Object.assign(globalThis, { Error: null, TypeError: null });
    },
  },
  {
    name: "replaces Object.keys(), Object and Reflect",
    task: () => {
      Object.keys = () => [];
      Object.getPrototypeOf = () => null;
      Object.assign(globalThis, { Object: null, Reflect: null, Math: null });
    },
  },
  {
    name: "replaces for good",
    task: () => {
      Object.defineProperty(Array.prototype, "push", { value: () => 0 });
      Object.defineProperty(Map.prototype, "get", {
        value: () => undefined,
        configurable: false,
        writable: false,
      });
    },
  },
  {
    name: "freezes the built-in prototypes",
    task: () => {
      for (const { prototype } of [Object, Array, Map, Set, Promise]) {
        Object.freeze(prototype);
      }
    },
  },
];
