/**
 * The messages between a pool and its workers. A message is a MessagePack array
 * whose first element is its type.
 *
 * | Message          | From   | When                                | Answered by                         |
 * | ---------------- | ------ | ----------------------------------- | ----------------------------------- |
 * | {@link Define}   | pool   | before a task's first call there    | nothing                             |
 * | {@link Forget}   | pool   | nothing refers to the tasks         | nothing                             |
 * | {@link Calls}    | pool   | calls of one task must run          | Results or Failure, one id each     |
 * | {@link Chunk}    | pool   | a chunk of a map must run           | ChunkResults or Failure, for its id |
 * | {@link Module}   | pool   | a task that is `sent` needs it      | nothing                             |
 * | {@link Cancel}   | pool   | nobody waits for a call any more    | the call's answer, if still due     |
 * | {@link Results}  | worker | calls of consecutive ids returned   | nothing                             |
 * | {@link ChunkResults} | worker | a chunk's items returned        | nothing                             |
 * | {@link Failure}  | worker | a call or a chunk's item threw      | nothing                             |
 *
 * Call ids count up from 0 on each connection. The pool numbers its tasks.
 *
 * @module
 */

/** The first element of each message. */
export const MessageType = {
  DEFINE: 1,
  FORGET: 2,
  CALLS: 3,
  CHUNK: 4,
  RESULTS: 5,
  CHUNK_RESULTS: 6,
  FAILURE: 7,
  MODULE: 8,
  CANCEL: 9,
} as const;

/** A function that is sent as source. */
export interface InlineDefinition {
  readonly kind: "inline";
  /** An expression that evaluates to the function. */
  readonly source: string;
  /** The function's name, for stack traces. */
  readonly name: string;
}

/** A function that a module exports. */
export interface ModuleDefinition {
  readonly kind: "module";
  /** The module's absolute URL. */
  readonly url: string;
  /** The name of the export. */
  readonly name: string;
  /** Whether the module is sent, instead of imported by its URL. */
  readonly sent?: boolean;
}

/** A task whose first arguments are bound. */
export interface BoundDefinition {
  readonly kind: "bound";
  /** The id of the task that is bound, which was defined before. */
  readonly task: number;
  /** Its first arguments. */
  readonly constants: readonly unknown[];
}

/** A task as it is sent. */
export type Definition = InlineDefinition | ModuleDefinition | BoundDefinition;

/** Defines a task by its id. */
export type Define = [
  type: typeof MessageType.DEFINE,
  task: number,
  definition: Definition,
];

/** Makes a worker forget tasks. */
export type Forget = [type: typeof MessageType.FORGET, tasks: number[]];

/** Carries a module that a worker can't import by its URL. */
export type Module = [
  type: typeof MessageType.MODULE,
  url: string,
  /** Identifies the code. */
  hash: string,
  /** The module's code, or why the pool couldn't make it. */
  code: string | Error,
];

/** Cancels a call that nobody waits for any more. */
export type Cancel = [type: typeof MessageType.CANCEL, id: number];

/** Calls of one task with consecutive ids. */
export type Calls = [
  type: typeof MessageType.CALLS,
  task: number,
  firstId: number,
  argumentLists: unknown[][],
];

/** Calls a task with many items of a map. */
export type Chunk = [
  type: typeof MessageType.CHUNK,
  task: number,
  id: number,
  /** Whether each item is a list of arguments, not a single argument. */
  spread: boolean,
  items: unknown[],
];

/** Values of calls with consecutive ids. */
export type Results = [
  type: typeof MessageType.RESULTS,
  firstId: number,
  /** How long the worker was busy with them, in microseconds. */
  busy: number,
  values: unknown[],
];

/** The values of a chunk's items; only of the first items if they are large. */
export type ChunkResults = [
  type: typeof MessageType.CHUNK_RESULTS,
  id: number,
  busy: number,
  values: unknown[],
];

/** The error of a call, or of the first item of a chunk that failed. */
export type Failure = [
  type: typeof MessageType.FAILURE,
  id: number,
  busy: number,
  thrown: unknown,
  /** The values of a chunk's items before the failing one. */
  before: unknown[],
];

/** A message from a pool. */
export type PoolMessage =
  | Define
  | Forget
  | Module
  | Calls
  | Chunk
  | Cancel;

/** A message from a worker. */
export type WorkerMessage = Results | ChunkResults | Failure;
