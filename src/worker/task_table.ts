import type {
  Definition,
  ModuleDefinition,
} from "../protocol/worker_messages.ts";
import { explainImportFailure } from "./import_failure.ts";
import { restorePrimordials } from "./primordials.ts";
import { type ModuleExports, SentModules } from "./sent_modules.ts";
import { evaluate, importModule } from "./user_code.ts";

/** A function that takes whatever it is given. */
export type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;

/** A task as a worker knows it. */
export class LoadedTask {
  /** The function, once it is loaded. */
  run: AnyFunction | undefined;
  /** Whether its source came without the variables around it. */
  readonly inline: boolean;

  /** Constructs a task that {@linkcode LoadedTask.load} gets ready. */
  constructor(
    readonly definition: Definition,
    readonly base: LoadedTask | undefined,
    readonly modules: SentModules,
  ) {
    this.inline = base?.inline ?? definition.kind === "inline";
  }

  /**
   * Makes {@linkcode LoadedTask.run} available: at once, or when the promise
   * is resolved. A task that can't be loaded throws that error at each call.
   */
  load(): Promise<void> | undefined {
    const { definition } = this;
    try {
      switch (definition.kind) {
        case "inline":
          this.run = evaluateTask(definition.source, definition.name);
          return undefined;
        case "module":
          return this.#import(definition);
        case "bound":
          return this.#bind(definition.constants);
      }
    } catch (error) {
      this.#failAlways(error);
    }
  }

  async #import({ url, name, sent }: ModuleDefinition): Promise<void> {
    try {
      const module: ModuleExports = sent
        ? await this.modules.get(url)
        : await importModule(url);
      restorePrimordials();
      // Of CommonJS a bundle exports all as one, in which Deno finds the names
      // where it loads the file itself.
      const exports = sent ? [module, module.default] : [module];
      const value = exports.map((some) => own(some, name))
        .find((value) => value !== undefined);
      if (typeof value !== "function") throw noSuchExport(exports, url, name);
      this.run = value as AnyFunction;
    } catch (error) {
      this.#failAlways(explainImportFailure(error));
    }
  }

  #bind(constants: readonly unknown[]): Promise<void> | undefined {
    const base = this.base!;
    const bindBase = () => {
      const run = base.run!;
      this.run = function (this: unknown, ...rest) {
        return run.call(this, ...constants, ...rest);
      };
    };
    const loading = base.run === undefined ? base.load() : undefined;
    if (loading !== undefined) return loading.then(bindBase);
    bindBase();
  }

  #failAlways(error: unknown): void {
    this.run = () => {
      throw error;
    };
  }
}

/** The tasks that the pool has defined, by number. */
export class TaskTable {
  /** The modules that the pool sends. */
  readonly modules = new SentModules();
  readonly #tasks = new Map<number, LoadedTask>();

  /** Notes what a number stands for. */
  define(id: number, definition: Definition): void {
    const base = definition.kind === "bound"
      ? this.get(definition.task)
      : undefined;
    this.#tasks.set(id, new LoadedTask(definition, base, this.modules));
  }

  /** The task of a number. */
  get(id: number): LoadedTask {
    const task = this.#tasks.get(id);
    if (task === undefined) {
      throw new RangeError(`Malformed message: no task ${id} was defined`);
    }
    return task;
  }

  /** Forgets a number. */
  forget(id: number): void {
    this.#tasks.delete(id);
  }
}

/** Evaluates a function's source in the global scope. */
function evaluateTask(source: string, name: string): AnyFunction {
  const url = `task:${encodeURIComponent(name)}`;
  return evaluate(
    `return (${source}\n)\n//# sourceURL=${url}`,
  ) as AnyFunction;
}

function own(exports: unknown, name: string): unknown {
  if (exports === undefined || exports === null) return undefined;
  if (!Object.hasOwn(exports, name)) return undefined;
  return (exports as ModuleExports)[name];
}

function noSuchExport(
  exports: readonly unknown[],
  url: string,
  name: string,
): TypeError {
  const functions = exports.flatMap((some) =>
    Object.keys(some ?? {}).filter((key) =>
      typeof own(some, key) === "function"
    )
  );
  const known = functions.length === 0
    ? "no functions"
    : `the functions ${functions.join(", ")}`;
  return new TypeError(
    `The module ${url} exports no function '${name}'; it exports ${known}`,
  );
}
