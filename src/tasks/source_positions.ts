/**
 * Finds an inline task in the user's files, so that stack frames show the lines
 * there. JavaScript returns only the compiled source of a function, which lacks
 * types, comments and empty lines and is formatted differently. So this module
 * compares tokens: those of the function, of its body, or of its lines without
 * types. It accepts a match only if it is the only one in a file.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import jsTokens from "js-tokens";
import { isGranted } from "../util/is_granted.ts";
import { isCode } from "./is_code.ts";
import type { RegisteredTask } from "./task_registry.ts";

/** A position in a text; both numbers count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

interface Located extends Position {
  readonly text: string;
}

/** Returns the position in a file, as text, for a position in a source. */
type FindPosition = (position: Position) => string | undefined;

/** The longest file that is searched, in UTF-16 code units. */
const MAX_FILE_LENGTH = 1_000_000;

/** The most files of the callers that are searched. */
const MAX_FILES = 4;

/** The fewest tokens that are compared; fewer may match by chance. */
const MIN_TOKENS = 4;

/** The code around a method's source. */
const METHOD_PREFIX = "Object.values({ ";
const METHOD_SUFFIX = " })[0]";

/** Tokens that the compiler may add or omit. */
const OPTIONAL = new Set([",", ";", "(", ")"]);

const found = new WeakMap<RegisteredTask, FindPosition>();

/**
 * Makes the frames of an inline task in a stack show the user's file.
 *
 * @param stack The stack of an error that the task threw.
 * @param task The task.
 * @param callers The stack of the call, in whose files the task is searched.
 * @returns The stack; frames whose source can't be found are unchanged.
 */
export function withSourcePositions(
  stack: string,
  task: RegisteredTask,
  callers: string,
): string {
  while (task.base !== undefined) task = task.base;
  const { definition } = task;
  if (definition.kind !== "inline") return stack;
  const start = `(task:${encodeURIComponent(definition.name)}:`;
  if (!stack.includes(start)) return stack;
  let find = found.get(task);
  if (find === undefined) {
    find = findSource(definition.source, callers);
    found.set(task, find);
  }
  return stack.split("\n").map((line) => withPosition(line, start, find))
    .join("\n");
}

function withPosition(
  frame: string,
  start: string,
  find: FindPosition,
): string {
  const at = frame.lastIndexOf(start);
  if (at < 0 || !frame.startsWith("    at ")) return frame;
  const [line, column] = frame.slice(at + start.length, -1).split(":");
  const position = find({ line: Number(line), column: Number(column) });
  return position === undefined ? frame : `${frame.slice(0, at)}(${position})`;
}

/** A function that was found in a file. */
export interface FoundFunction {
  /** The URL of the file. */
  readonly file: string;
  /** The content of the file. */
  readonly content: string;
  /**
   * The tokens of the function's source, and the places of those that were found
   * in the file.
   */
  readonly tokens: readonly (Position & { place: Position | undefined })[];
}

/**
 * Searches the source of an inline task in the files of a stack.
 *
 * @param source The source.
 * @param callers The stack.
 */
export function findFunction(
  source: string,
  callers: string,
): FoundFunction | undefined {
  const isMethod = source.startsWith(METHOD_PREFIX) &&
    source.endsWith(METHOD_SUFFIX);
  const text = isMethod
    ? source.slice(METHOD_PREFIX.length, -METHOD_SUFFIX.length)
    : source;
  const shift = isMethod ? METHOD_PREFIX.length : 0;
  const tokens = locateTokens(text);
  for (const file of filesOf(callers)) {
    const content = readFile(file);
    if (content === undefined) continue;
    const code = new Code(locateTokens(content));
    const places = code.findWhole(tokens) ?? code.findLines(tokens);
    if (places === undefined) continue;
    return {
      file,
      content,
      tokens: tokens.map(({ line, column }, index) => ({
        line,
        column: line === 1 ? column + shift : column,
        place: places[index],
      })),
    };
  }
  return undefined;
}

function findSource(source: string, callers: string): FindPosition {
  const found = findFunction(source, callers);
  if (found === undefined) return () => undefined;
  const { file, tokens } = found;
  return ({ line, column }) => {
    const token = tokens.findLast((token) =>
      token.line === line && token.column <= column
    );
    const place = token?.place;
    if (place === undefined) return undefined;
    return `${file}:${place.line}:${place.column + column - token!.column}`;
  };
}

/** The position in a file of each token of a function, if it was found. */
type Places = (Position | undefined)[];

/** The tokens of a file. */
class Code {
  readonly #tokens: readonly Located[];
  readonly #text: string;

  constructor(tokens: readonly Located[]) {
    this.#tokens = tokens;
    this.#text = joinTexts(tokens);
  }

  /** Finds a function, or only its body if the parameters have types. */
  findWhole(tokens: readonly Located[]): Places | undefined {
    const texts = tokens.map(({ text }) => text);
    for (const start of [0, texts.indexOf("=>") + 1, texts.indexOf("{")]) {
      if (start < 0) continue;
      const found = this.#find(tokens.slice(start));
      if (found !== undefined) return [...new Array(start), ...found];
    }
    return undefined;
  }

  /** Finds the lines of a function that have no types, if most of them match. */
  findLines(tokens: readonly Located[]): Places | undefined {
    const lines = [...Map.groupBy(tokens, ({ line }) => line).values()];
    const searched = lines.filter(({ length }) => length >= MIN_TOKENS);
    const found = lines.map((line) => this.#find(line));
    const count = found.filter((line) => line !== undefined).length;
    if (count === 0 || count * 2 < searched.length) return undefined;
    return found.flatMap((line, index): Places =>
      line === undefined ? lines[index]!.map(() => undefined) : [...line]
    );
  }

  /** Finds a sequence of tokens if the file has it exactly once. */
  #find(tokens: readonly Located[]): readonly Located[] | undefined {
    if (tokens.length < MIN_TOKENS) return undefined;
    const wanted = joinTexts(tokens);
    const at = this.#text.indexOf(wanted);
    if (at < 0 || this.#text.indexOf(wanted, at + 1) >= 0) return undefined;
    const first = this.#text.slice(0, at).split("\0").length - 1;
    return this.#tokens.slice(first, first + tokens.length);
  }
}

function joinTexts(tokens: readonly Located[]): string {
  return `\0${tokens.map(({ text }) => text).join("\0")}\0`;
}

/** Returns the tokens of code that any compiler keeps, with their positions. */
function locateTokens(code: string): Located[] {
  const located: Located[] = [];
  let line = 1;
  let column = 1;
  for (const token of jsTokens(code)) {
    const { type, value } = token;
    if (isCode(token) && !OPTIONAL.has(value)) {
      const text = type === "StringLiteral" ? value.slice(1, -1) : value;
      located.push({ text, line, column });
    }
    const lines = value.split("\n");
    line += lines.length - 1;
    const { length } = lines.at(-1)!;
    column = lines.length > 1 ? length + 1 : column + length;
  }
  return located;
}

/** Returns the files in a stack, innermost first. */
function filesOf(stack: string): string[] {
  const files = new Set<string>();
  for (const line of stack.split("\n")) {
    const start = line.indexOf("file:///");
    if (!line.startsWith("    at ") || start < 0) continue;
    const [, column = ""] = line.split(":").slice(-2);
    const end = line.lastIndexOf(":", line.length - column.length - 2);
    if (end > start) files.add(line.slice(start, end));
  }
  return [...files].slice(0, MAX_FILES);
}

function readFile(url: string): string | undefined {
  try {
    const path = fileURLToPath(url);
    if (!isGranted({ name: "read", path })) return undefined;
    const text = Deno.readTextFileSync(path);
    return text.length > MAX_FILE_LENGTH ? undefined : text;
  } catch {
    return undefined;
  }
}
