import { functionSource } from "./function_source.ts";
import {
  type AnyTask,
  type BoundTask,
  ModuleTask,
  TaskObject,
} from "./task.ts";
import type { Definition } from "../protocol/worker_messages.ts";

/** How many functions' sources are remembered. */
const MAX_SOURCES = 1_000;

/** A task as a pool knows it. */
export interface RegisteredTask {
  /** Its number in this pool. */
  readonly id: number;
  /** What it is called in messages. */
  readonly name: string;
  /** What a worker is told that it stands for. */
  readonly definition: Definition;
  /** The task that it binds arguments of, to be defined before it. */
  readonly base?: RegisteredTask;
  /** What the user bound, which is not dropped while this is in use. */
  readonly bound?: BoundTask;
}

/**
 * Gives each task that a pool is given a number, under which workers know it.
 *
 * Functions of the same source are one task, so that an arrow function in a
 * loop is sent once. A program may make up ever new ones: the oldest are
 * forgotten, and sent anew if they are called again. Bound tasks may carry a
 * lot of data: once a program has dropped one, workers are told to.
 */
export class TaskRegistry {
  #nextId = 0;
  readonly #known = new WeakMap<object, RegisteredTask>();
  readonly #bySource = new Map<string, RegisteredTask>();
  readonly #byExport = new Map<string, RegisteredTask>();
  readonly #dropped: FinalizationRegistry<number>;
  readonly #onDrop: (id: number) => void;

  /** Constructs a registry; `onDrop` is told what workers are to forget. */
  constructor(onDrop: (id: number) => void) {
    this.#onDrop = onDrop;
    this.#dropped = new FinalizationRegistry(onDrop);
  }

  /**
   * Finds or makes the registered task of what a user gave.
   *
   * @throws {TypeError} If it is no task, or a function that can't be sent.
   */
  register(task: AnyTask): RegisteredTask {
    if (typeof task !== "function" && !(task instanceof TaskObject)) {
      throw new TypeError(
        `A 'task' must be a function, or come from importTasks() or bind(), and this is ${
          Deno.inspect(task)
        }`,
      );
    }
    let registered = this.#known.get(task);
    if (registered === undefined) {
      registered = this.#make(task);
      this.#known.set(task, registered);
    }
    return registered;
  }

  #make(task: AnyTask): RegisteredTask {
    if (!(task instanceof TaskObject)) return this.#inline(task);
    if (task instanceof ModuleTask) return this.#export(task);
    return this.#bound(task as BoundTask);
  }

  #inline(task: (...args: never) => unknown): RegisteredTask {
    const text = Function.prototype.toString.call(task);
    let registered = this.#bySource.get(text);
    if (registered === undefined) {
      const { source, name } = functionSource(task);
      registered = this.#add(name, { kind: "inline", source, name });
      this.#bySource.set(text, registered);
      this.#limitSources();
    }
    return registered;
  }

  #limitSources(): void {
    if (this.#bySource.size <= MAX_SOURCES) return;
    const [oldest] = this.#bySource;
    const [text, { id }] = oldest!;
    this.#bySource.delete(text);
    this.#onDrop(id);
  }

  #export(task: ModuleTask): RegisteredTask {
    const { url, exportName } = task;
    const key = `${exportName} ${url}`;
    let registered = this.#byExport.get(key);
    if (registered === undefined) {
      registered = this.#add(task.name, {
        kind: "module",
        url,
        name: exportName,
      });
      this.#byExport.set(key, registered);
    }
    return registered;
  }

  #bound(task: BoundTask): RegisteredTask {
    const base = this.register(task.task);
    const registered = {
      ...this.#add(task.name, {
        kind: "bound",
        task: base.id,
        constants: task.constants,
      }),
      base,
      bound: task,
    };
    this.#dropped.register(task, registered.id);
    return registered;
  }

  #add(name: string, definition: Definition): RegisteredTask {
    return { id: this.#nextId++, name, definition };
  }
}
