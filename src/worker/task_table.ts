import type {
  Definition,
  InlineDefinition,
  ModuleDefinition,
} from "../protocol/worker_messages.ts";
import { type AnyFunction, evaluateTask } from "./evaluate_task.ts";
import { explainImportFailure } from "./import_failure.ts";
import { restorePrimordials } from "./primordials.ts";
import { seesThis } from "./sees_this.ts";
import { SentModules } from "./sent_modules.ts";
import { type ModuleExports, type UserCode, userCode } from "./user_code.ts";

/** A task in a worker. */
export class LoadedTask {
  /** The function, once it is loaded. */
  run: AnyFunction | undefined;
  /** Whether the loaded function may see its `this`. */
  seesThis = true;
  /** Whether it is an inline function, which can't see the variables around it. */
  readonly inline: boolean;

  /** Constructs a task that {@linkcode LoadedTask.load} loads. */
  constructor(
    readonly definition: Definition,
    readonly base: LoadedTask | undefined,
    readonly modules: SentModules,
  ) {
    this.inline = base?.inline ?? definition.kind === "inline";
  }

  /** The name of the function, for messages. */
  get name(): string {
    const { definition } = this;
    return definition.kind === "bound" ? this.base!.name : definition.name;
  }

  /**
   * Sets {@linkcode LoadedTask.run}, at once or when the returned promise
   * resolves. If the task can't be loaded, each call throws the error.
   */
  load(): Promise<void> | undefined {
    const { definition } = this;
    try {
      switch (definition.kind) {
        case "inline":
          return this.#evaluate(definition);
        case "module":
          return this.#import(definition);
        case "bound":
          return this.#bind(definition.constants);
      }
    } catch (error) {
      this.#failAlways(error);
    }
  }

  #evaluate(definition: InlineDefinition): Promise<void> | undefined {
    const code = userCode();
    if (code instanceof Promise) return this.#evaluateWith(code, definition);
    this.#use(evaluateTask(code, definition));
  }

  async #evaluateWith(
    code: Promise<UserCode>,
    definition: InlineDefinition,
  ): Promise<void> {
    try {
      this.#use(evaluateTask(await code, definition));
    } catch (error) {
      this.#failAlways(error);
    }
  }

  async #import({ url, name, sent }: ModuleDefinition): Promise<void> {
    try {
      const module: ModuleExports = sent
        ? await this.modules.get(url)
        : await (await userCode()).importModule(url);
      restorePrimordials();
      // The bundle of a CommonJS module has only a default export, although Deno
      // itself finds its named exports too.
      const exports = sent ? [module, module.default] : [module];
      const value = exports.map((some) => own(some, name))
        .find((value) => value !== undefined);
      if (typeof value !== "function") throw noSuchExport(exports, url, name);
      this.#use(value as AnyFunction);
    } catch (error) {
      this.#failAlways(explainImportFailure(error));
    }
  }

  #use(run: AnyFunction): void {
    this.run = run;
    this.seesThis = seesThis(run);
  }

  #bind(constants: readonly unknown[]): Promise<void> | undefined {
    const base = this.base!;
    const bindBase = () => {
      const run = base.run!;
      this.run = function (this: unknown, ...rest) {
        return run.call(this, ...constants, ...rest);
      };
      this.seesThis = base.seesThis;
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

/** The tasks that the pool has defined, by id. */
export class TaskTable {
  /** The modules that the pool sends. */
  readonly modules = new SentModules();
  readonly #tasks = new Map<number, LoadedTask>();

  /** Defines a task by its id. */
  define(id: number, definition: Definition): void {
    const base = definition.kind === "bound"
      ? this.get(definition.task)
      : undefined;
    this.#tasks.set(id, new LoadedTask(definition, base, this.modules));
  }

  /** Returns the task with an id. */
  get(id: number): LoadedTask {
    const task = this.#tasks.get(id);
    if (task === undefined) {
      throw new RangeError(`Malformed message: no task ${id} was defined`);
    }
    return task;
  }

  /** Removes the task with an id. */
  forget(id: number): void {
    this.#tasks.delete(id);
  }
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
