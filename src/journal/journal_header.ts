import type { RegisteredTask } from "../tasks/task_registry.ts";
import { type Digests, hexOf } from "./digests.ts";

/** How a map sends values. */
export type JournalCodec = "msgpack" | "structured";

/** The map that a journal belongs to. */
export interface JournaledMap {
  /** The task. */
  readonly task: RegisteredTask;
  /** Whether each item is an array of arguments. */
  readonly spread: boolean;
  /** How values are sent. */
  readonly codec: JournalCodec;
}

/** What a journal keeps of the map that it belongs to. */
export interface JournalHeader {
  /** The package that has made it. */
  readonly package: string;
  /** The task's name, or the one that the program gives it. */
  readonly task: string;
  /** Whether the task is an inline function or the export of a module. */
  readonly kind: "inline" | "module";
  /** The hash of an inline function's source, or a module's URL and export. */
  readonly source: string;
  /** The hash of the arguments that are bound to the task; `""` if none are. */
  readonly constants: string;
  /** Whether each item is an array of arguments. */
  readonly spread: boolean;
  /** Whether items are known by their index, or by a key of the program's. */
  readonly items: "index" | "key";
  /** How items and results are encoded. */
  readonly codec: JournalCodec;
}

/** What a journal's package is called in it. */
export const PACKAGE = "@distex/pool";

/**
 * Makes the header of a map's journal.
 *
 * @param name The name that the program gives the task, if it does.
 * @param hasKeys Whether the program gives items keys.
 * @throws If the arguments that are bound to the task can't be encoded.
 */
export function makeHeader(
  { task, spread, codec }: JournaledMap,
  digests: Digests,
  name: string | undefined,
  hasKeys: boolean,
): JournalHeader {
  const constants: (readonly unknown[])[] = [];
  let inner = task;
  while (inner.definition.kind === "bound") {
    constants.push(inner.definition.constants);
    inner = inner.base!;
  }
  const { definition } = inner;
  const isInline = definition.kind === "inline";
  return {
    package: PACKAGE,
    task: name ?? task.name,
    kind: isInline ? "inline" : "module",
    source: isInline
      ? digests.hashText(definition.source)
      : moduleSource(definition),
    constants: constants.length === 0 ? "" : hexOf(digests.of(constants)),
    spread,
    items: hasKeys ? "key" : "index",
    codec,
  };
}

function moduleSource(
  definition: RegisteredTask["definition"],
): string {
  if (definition.kind !== "module") return "";
  return `${definition.url} ${definition.name}`;
}

/**
 * Says how a map differs from the one that a journal belongs to.
 *
 * @param isNamed Whether the program names the task: then nothing else about
 * the task must be the same.
 * @returns The differences, and the way out; `undefined` if there are none.
 */
export function describeDifferences(
  kept: JournalHeader,
  given: JournalHeader,
  isNamed: boolean,
): string | undefined {
  const task = isNamed
    ? nameDifference(kept, given)
    : taskDifferences(kept, given);
  const others = otherDifferences(kept, given);
  if (task.length + others.length === 0) return undefined;
  const differences = [...task, ...others].join("; ");
  const isSameName = task.length > 0 && kept.task === given.task;
  const wayOut = isSameName && others.length === 0
    ? `choose another file or, if its results still count, name the task: journal: { path, task: ${
      JSON.stringify(kept.task)
    } }`
    : "choose another file";
  return `${differences}: ${wayOut}`;
}

function nameDifference(kept: JournalHeader, given: JournalHeader): string[] {
  if (kept.task === given.task) return [];
  return [`its task is named '${kept.task}', not '${given.task}'`];
}

function taskDifferences(kept: JournalHeader, given: JournalHeader): string[] {
  if (kept.kind !== given.kind || kept.task !== given.task) {
    return [`its task is ${titleOf(kept)}, not ${titleOf(given)}`];
  }
  const differences: string[] = [];
  if (kept.source !== given.source) {
    differences.push(
      given.kind === "inline"
        ? `the source of its task '${kept.task}' was another`
        : `its task is ${kept.source}, not ${given.source}`,
    );
  }
  if (kept.constants !== given.constants) {
    differences.push(
      `other arguments were bound to its task '${kept.task}'`,
    );
  }
  return differences;
}

function titleOf({ kind, task, source }: JournalHeader): string {
  return kind === "inline"
    ? `the inline function '${task}'`
    : `the export ${source}`;
}

function otherDifferences(kept: JournalHeader, given: JournalHeader): string[] {
  const differences: string[] = [];
  if (kept.spread !== given.spread) {
    const form = kept.spread ? "an array of arguments" : "one argument";
    differences.push(`each of its items is ${form}`);
  }
  if (kept.items !== given.items) {
    differences.push(
      kept.items === "key"
        ? "its items are known by the option 'key', which this map doesn't have"
        : "its items are known by their index, but this map has the option 'key'",
    );
  }
  if (kept.codec !== given.codec) {
    differences.push(
      `its codec is "${kept.codec}", but the pool's is "${given.codec}"`,
    );
  }
  return differences;
}
