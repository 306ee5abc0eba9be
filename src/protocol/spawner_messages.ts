/**
 * The messages between a pool and a spawner on another machine.
 *
 * | Message          | From    | When                              | Answered by |
 * | ---------------- | ------- | --------------------------------- | ----------- |
 * | {@link Open}     | pool    | first                             | Ready       |
 * | {@link Start}    | pool    | a worker is needed                | Ended       |
 * | {@link Kill}     | pool    | a worker must end at once         | Ended       |
 * | {@link Ping}     | pool    | regularly                         | Pong        |
 * | {@link Ready}    | spawner | workers can be started            | nothing     |
 * | {@link Ended}    | spawner | a worker has ended, or won't start | nothing    |
 * | {@link Output}   | spawner | a worker has written output       | nothing     |
 * | {@link Pong}     | spawner | after a ping                      | nothing     |
 *
 * @module
 */

/** The first element of each message. */
export const SpawnerMessageType = {
  OPEN: 1,
  START: 2,
  KILL: 3,
  PING: 4,
  READY: 5,
  ENDED: 6,
  OUTPUT: 7,
  PONG: 8,
} as const;

/** How a pool's workers are started. */
export interface SessionRequest {
  /** The pool's address; an empty host name means the one the spawner sees. */
  readonly address: string;
  /** The pool's certificate (PEM), for a `tls` address. */
  readonly certificate?: string;
  /** The permissions of tasks, by name: `true` or a list. */
  readonly grants: { readonly [name: string]: true | readonly string[] };
  /** Further arguments for `deno run`. */
  readonly denoArgs: readonly string[];
  /** Environment variables besides those of the spawner. */
  readonly env: Readonly<Record<string, string>>;
  /** The working directory; that of the spawner by default. */
  readonly cwd?: string;
}

/** The machine that a spawner runs on. */
export interface MachineInfo {
  /** The version of Deno. */
  readonly deno: string;
  /** The operating system and processor, such as `"linux x86_64"`. */
  readonly platform: string;
  /** How many CPUs it has. */
  readonly cpus: number;
  /** How much memory it has, in bytes. */
  readonly memory: number;
}

/** Opens the session, and describes how to start workers. */
export type Open = [
  type: typeof SpawnerMessageType.OPEN,
  request: SessionRequest,
];

/** Starts a worker with this number. */
export type Start = [type: typeof SpawnerMessageType.START, worker: number];

/** Ends a worker at once. */
export type Kill = [type: typeof SpawnerMessageType.KILL, worker: number];

/** Checks that the spawner is alive. */
export type Ping = [type: typeof SpawnerMessageType.PING, id: number];

/** Answers Open: workers can be started now. */
export type Ready = [type: typeof SpawnerMessageType.READY, info: MachineInfo];

/** Reports that a worker has ended, or couldn't be started. */
export type Ended = [
  type: typeof SpawnerMessageType.ENDED,
  worker: number,
  exitStatus: string,
  /** The end of its stderr. */
  stderrTail: string,
];

/** Carries output of a worker. */
export type Output = [
  type: typeof SpawnerMessageType.OUTPUT,
  worker: number,
  stream: "stdout" | "stderr",
  bytes: Uint8Array<ArrayBuffer>,
];

/** Answers a ping. */
export type Pong = [
  type: typeof SpawnerMessageType.PONG,
  id: number,
  /** The spawner's time, in milliseconds since the epoch. */
  time: number,
];

/** A message to a spawner. */
export type PoolToSpawner = Open | Start | Kill | Ping;

/** A message from a spawner. */
export type SpawnerToPool = Ready | Ended | Output | Pong;
