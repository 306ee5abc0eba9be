import { functionMap } from "./function_map.ts";
import { functionSource } from "./function_source.ts";
import {
  type AnyTask,
  type BoundTask,
  ModuleTask,
  TaskObject,
} from "./task.ts";
import type { Definition } from "../protocol/worker_messages.ts";

/** The most inline functions that a pool remembers. */
const MAX_SOURCES = 1_000;

/** The longest label of a function without a name, in characters. */
const MAX_LABEL = 60;

/** A task with the number that a pool has given it. */
export interface RegisteredTask {
  /** Its number in this pool. */
  readonly id: number;
  /** Its name in messages. */
  readonly name: string;
  /** The definition that workers get. */
  readonly definition: Definition;
  /** The task whose arguments it binds; workers need that task first. */
  readonly base?: RegisteredTask;
  /** The user's object, kept so it isn't collected while in use. */
  readonly bound?: BoundTask;
}

/**
 * Gives each task of a pool the number that workers know it by.
 *
 * Functions with the same source are one task, so an arrow function in a loop
 * is sent once. Only the latest functions are remembered, because a program may
 * make new ones forever; an older one is sent again when it is called again, and
 * dropped once nothing can call it. A bound task may hold a lot of data, so
 * workers drop it once the program has.
 */
export class TaskRegistry {
  #nextId = 0;
  readonly #known = new WeakMap<object, RegisteredTask>();
  readonly #bySource = new Map<string, RegisteredTask>();
  readonly #byExport = new Map<string, RegisteredTask>();
  readonly #dropped: FinalizationRegistry<number>;
  readonly #onDrop: (id: number) => void;
  readonly #hasMaps: boolean;

  /**
   * Constructs a registry.
   *
   * @param onDrop Called with the number of a task that workers can forget.
   * @param hasMaps Whether inline tasks have source maps, for debuggers.
   */
  constructor(onDrop: (id: number) => void, hasMaps = false) {
    this.#onDrop = onDrop;
    this.#hasMaps = hasMaps;
    this.#dropped = new FinalizationRegistry(onDrop);
  }

  /**
   * Registers a task, or returns what it was registered as before.
   *
   * @throws {TypeError} If it isn't a task, or a function that can't be sent.
   */
  register(task: AnyTask): RegisteredTask {
    if (typeof task !== "function" && !(task instanceof TaskObject)) {
      throw new TypeError(
        `'task' must be a function or a task from importTasks() or bind(), but is ${
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
      const label = task.name === "" ? sourceLabel(source) : name;
      const map = this.#hasMaps
        ? functionMap(source, new Error().stack ?? "")
        : undefined;
      registered = this.#add(label, {
        kind: "inline",
        source,
        name,
        ...(map === undefined ? {} : { map }),
      });
      this.#bySource.set(text, registered);
      this.#limitSources();
    }
    return registered;
  }

  #limitSources(): void {
    if (this.#bySource.size <= MAX_SOURCES) return;
    const [oldest] = this.#bySource;
    const [text, registered] = oldest!;
    this.#bySource.delete(text);
    this.#onDrop(registered.id);
    // Calls that wait may send it again, or the program may call it once more.
    this.#dropped.register(registered, registered.id);
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

/** Names a function that has no name by the start of its source. */
function sourceLabel(source: string): string {
  const line = source.slice(0, 10 * MAX_LABEL).replaceAll(/\s+/g, " ");
  return line.length <= MAX_LABEL ? line : `${line.slice(0, MAX_LABEL - 1)}…`;
}
