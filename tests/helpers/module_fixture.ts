/**
 * A project with task modules, in a folder of its own.
 *
 * @module
 */

import { importTasks } from "../../mod.ts";
import repository from "../../deno.json" with { type: "json" };
import { Project } from "./bundle_fixture.ts";

const REPOSITORY = new URL("../../", import.meta.url);

/** The only configuration that resolves the imports of the tasks. */
const CONFIG = JSON.stringify({
  imports: {
    ...repository.imports,
    "words": "./lib/words.ts",
    "number?": "npm:is-number@7",
  },
  vendor: true,
  nodeModulesDir: "none",
  lock: false,
});

const TASKS = `
import { equals } from "jsr:@std/bytes@^1.0.0/equals";
import isNumber from "npm:is-number@7";
import isNumberToo from "number?";
import { shout } from "words";
import { deep } from "./lib/deep.ts";
import table from "./lib/table.json" with { type: "json" };

let count = 0;

export function up(): number {
  return ++count;
}

export function get(): number {
  return count;
}

export function imported(word: string): unknown[] {
  return [
    shout(word),
    table.price,
    isNumber("5") && isNumberToo("6"),
    equals(new Uint8Array([1]), new Uint8Array([1])),
  ];
}

export function join(...words: string[]): string {
  return words.join(" ");
}

export function place(): unknown[] {
  const { url, filename, dirname, main, resolve } = import.meta;
  return [url, filename, dirname, main, resolve("./data.txt")];
}

export function begin(value: number): void {
  count = value;
}

export function fail(): never {
  return deep("too deep");
}

export async function failLater(): Promise<never> {
  await new Promise((resolve) => setTimeout(resolve, 0));
  throw new RangeError("too late");
}

export const notAFunction = 42;

export default function (): string {
  return "the default export";
}
`;

const WORDS = `
export const shout = (word: string): string => word.toUpperCase() + "!";
`;

const DEEP = `interface Depth {
  readonly text: string;
}

export function deep(text: Depth["text"]): never {
  throw new TypeError(text);
}
`;

/** The types of the exports of the project's `tasks.ts`. */
export interface TasksModule {
  up(): number;
  get(): number;
  imported(word: string): unknown[];
  join(...words: string[]): string;
  place(): unknown[];
  begin(value: number): void;
  fail(): never;
  failLater(): Promise<never>;
  notAFunction(): void;
  default(): string;
}

/**
 * Creates a project with some files, `tasks.ts` and its imports.
 *
 * If JSR can't be reached, its packages come from this repository.
 */
export async function makeProject(
  files: Record<string, string> = {},
): Promise<Project> {
  const project = await Project.with({
    "deno.json": CONFIG,
    "tasks.ts": TASKS,
    "lib/words.ts": WORDS,
    "lib/deep.ts": DEEP,
    "lib/table.json": '{ "price": 7 }',
    ...files,
  });
  const std = new URL("vendor/jsr.io/@std", REPOSITORY);
  if (await Deno.stat(std).then(() => true, () => false)) {
    await Deno.mkdir(`${project.path}/vendor/jsr.io`, { recursive: true });
    await Deno.symlink(std, new URL(project.url("vendor/jsr.io/@std")));
  }
  return project;
}

/** Returns the tasks of a project's `tasks.ts`. */
export function tasksOf(project: Project) {
  return importTasks<TasksModule>(project.url("tasks.ts"));
}

/** Returns the path of a project's configuration. */
export function configOf(project: Project): string {
  return `${project.path}/deno.json`;
}

/** Returns the line and column of a text in the project's `tasks.ts`. */
export function placeInTasks(text: string): string {
  return placeIn(TASKS, text);
}

/** Returns the line and column of a text in the project's `lib/deep.ts`. */
export function placeInDeep(text: string): string {
  return placeIn(DEEP, text);
}

function placeIn(source: string, text: string): string {
  const before = source.slice(0, source.indexOf(text)).split("\n");
  return `${before.length}:${before.at(-1)!.length + 1}`;
}
