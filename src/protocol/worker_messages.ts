/**
 * The messages between a pool and its workers. A message is a MessagePack array
 * whose first element is its type.
 *
 * | Message          | From   | When                                | Answered by                         |
 * | ---------------- | ------ | ----------------------------------- | ----------------------------------- |
 * | {@link Define}   | pool   | before a task's first call there    | nothing                             |
 * | {@link Forget}   | pool   | nothing refers to the tasks         | nothing                             |
 * | {@link Calls}    | pool   | calls of one task must run          | Results, Failure or End, one id each |
 * | {@link Open}     | pool   | a call with streams as arguments    | Results, Failure or End, for its id |
 * | {@link Chunk}    | pool   | a chunk of a map must run           | ChunkResults, Failure or End, for its id |
 * | {@link SettledChunk} | pool | the same, and each item must be answered | ItemFailure, ChunkResults, Failure, for its id |
 * | {@link Module}   | pool   | a task that is `sent` needs it      | nothing                             |
 * | {@link Cancel}   | pool   | nobody waits for a call any more    | the call's answer, if still due     |
 * | {@link Assign}   | pool   | before a call that has resources    | nothing                             |
 * | {@link Numbered} | pool   | before calls that have numbers      | nothing                             |
 * | {@link Watch}    | pool   | before a call whose run is timed    | Begun, when it begins               |
 * | {@link Recall}   | pool   | other workers could take calls      | Recalled                            |
 * | {@link Results}  | worker | calls of consecutive ids returned   | nothing                             |
 * | {@link ChunkResults} | worker | a chunk's items returned        | nothing                             |
 * | {@link Failure}  | worker | a call or a chunk's item threw      | nothing                             |
 * | {@link ItemFailure} | worker | an item of a SettledChunk threw | nothing                             |
 * | {@link End}      | worker | a call's stream of results has ended | nothing                            |
 * | {@link Recalled} | worker | it got Recall                       | nothing                             |
 * | {@link Begun}    | worker | a watched call is about to begin    | nothing                             |
 * | {@link Full}     | worker | it uses too much memory             | Recall                              |
 * | {@link Values}   | both   | a stream of a call has values       | Credit, when they are read          |
 * | {@link Credit}   | both   | the receiver can take more values   | nothing                             |
 * | {@link Close}    | pool   | a stream of a call has ended        | nothing                             |
 * | {@link Stop}     | worker | nobody reads a stream of a call     | nothing                             |
 *
 * A call's streams are numbered: see {@link StreamNumber}. The sender of a
 * stream's values may send only as much as it has credit for.
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
  OPEN: 10,
  VALUES: 11,
  END: 12,
  CREDIT: 13,
  CLOSE: 14,
  STOP: 15,
  RECALL: 16,
  RECALLED: 17,
  RESOURCES: 18,
  SETTLED_CHUNK: 19,
  ITEM_FAILURE: 20,
  BEGUN: 21,
  NUMBERED: 22,
  WATCH: 23,
  FULL: 24,
} as const;

/** The numbers of a call's streams. */
export const StreamNumber = {
  /** The values that the task yields, from the worker. */
  OUTPUT: 0,
  /** The messages of a task to its caller, and those of the caller to it. */
  PORT: 1,
  /** The first argument, if it is a stream; others follow in their order. */
  FIRST_INPUT: 2,
} as const;

/** What a worker does with the value that a task returns. */
export const ResultMode = {
  /** Sends it. */
  VALUE: 0,
  /** Sends what it yields; it must be iterable. */
  STREAM: 1,
  /** Sends what it yields if it is a generator or a stream, else the value. */
  FLATTEN: 2,
} as const;

/** One of the {@linkcode ResultMode}s. */
export type ResultMode = typeof ResultMode[keyof typeof ResultMode];

/** A function that is sent as source. */
export interface InlineDefinition {
  readonly kind: "inline";
  /** An expression that evaluates to the function. */
  readonly source: string;
  /** The function's name, for stack traces. */
  readonly name: string;
  /** The source map of the source as JSON, for debuggers. */
  readonly map?: string;
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
  mode: ResultMode,
  argumentLists: unknown[][],
];

/** A call with streams as arguments. */
export type Open = [
  type: typeof MessageType.OPEN,
  task: number,
  id: number,
  mode: ResultMode,
  /** The arguments; `undefined` stands for each stream. */
  args: unknown[],
  /** The indexes of the arguments that are streams. */
  streams: number[],
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

/** The same as {@linkcode Chunk}, but an item that throws doesn't end it. */
export type SettledChunk = [
  type: typeof MessageType.SETTLED_CHUNK,
  task: number,
  id: number,
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

/**
 * The error of an item of a {@linkcode SettledChunk}. It comes before the values
 * of the chunk, which have `undefined` for this item.
 */
export type ItemFailure = [
  type: typeof MessageType.ITEM_FAILURE,
  id: number,
  /** The index of the item in the chunk. */
  index: number,
  thrown: unknown,
];

/** Ends a call whose values were sent as {@linkcode Values}. */
export type End = [type: typeof MessageType.END, id: number, busy: number];

/** Values of a call's stream. */
export type Values = [
  type: typeof MessageType.VALUES,
  id: number,
  stream: number,
  values: unknown[],
];

/** Allows the sender of a stream to send more. */
export type Credit = [
  type: typeof MessageType.CREDIT,
  id: number,
  stream: number,
  /** How many more values it may send. */
  values: number,
  /** How many more bytes it may send, counted in frames. */
  bytes: number,
];

/** Ends a stream that the pool sends. */
export type Close = [
  type: typeof MessageType.CLOSE,
  id: number,
  stream: number,
  /** The error of its source in a list, or an empty list. */
  errors: unknown[],
];

/** Asks the pool to send no more values of a stream. */
export type Stop = [
  type: typeof MessageType.STOP,
  id: number,
  stream: number,
  reason: unknown,
];

/**
 * What a call may use of its machine, by resource: the numbers of units, or an
 * amount.
 */
export type Grant = Readonly<Record<string, readonly number[] | number>>;

/** Assigns resources to a call that follows. An empty grant takes them back. */
export type Assign = [
  type: typeof MessageType.RESOURCES,
  id: number,
  grant: Grant,
];

/**
 * Numbers calls that follow: those of the message whose first call has this id,
 * or the items of a chunk.
 */
export type Numbered = [
  type: typeof MessageType.NUMBERED,
  id: number,
  /** The number of the first call or item; the others count up from it. */
  index: number,
  /**
   * The seed of their random numbers, the lower 32 bits first; an empty list if
   * they have none.
   */
  seed: readonly number[],
];

/** Asks for {@linkcode Begun} when a call that follows begins. */
export type Watch = [
  type: typeof MessageType.WATCH,
  id: number,
  /** `false` takes the request back: the call couldn't be sent. */
  watched: boolean,
];

/** Reports that a watched call is about to begin. */
export type Begun = [type: typeof MessageType.BEGUN, id: number];

/**
 * Reports that the worker uses more memory than it may, between two tasks. It
 * begins nothing until it gets {@linkcode Recall}.
 */
export type Full = [
  type: typeof MessageType.FULL,
  /** How much it uses, in bytes. */
  bytes: number,
];

/** Asks a worker to give back calls that it hasn't begun. */
export type Recall = [
  type: typeof MessageType.RECALL,
  /** One part in this many stays at the worker; 0: nothing stays. */
  parts: number,
  /** How many items stay at least. */
  keep: number,
  /** Whether a chunk that has begun may be cut. */
  cut: boolean,
];

/** Gives back calls that haven't begun and never will, the last ones first. */
export type Recalled = [
  type: typeof MessageType.RECALLED,
  /**
   * Three numbers for each run of calls: the id of the first call, how many
   * calls follow each other, and how many of its items a chunk keeps.
   */
  runs: number[],
];

/** A message from a pool. */
export type PoolMessage =
  | Define
  | Forget
  | Module
  | Calls
  | Chunk
  | SettledChunk
  | Cancel
  | Open
  | Values
  | Credit
  | Close
  | Assign
  | Numbered
  | Watch
  | Recall;

/** A message from a worker. */
export type WorkerMessage =
  | Results
  | ChunkResults
  | Failure
  | ItemFailure
  | End
  | Values
  | Credit
  | Stop
  | Begun
  | Full
  | Recalled;
