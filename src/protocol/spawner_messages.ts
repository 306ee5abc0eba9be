/**
 * What a pool and a spawner on another machine say to each other, and when;
 * the project's docs have it as a table.
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

/** How a pool wants its workers to be started. */
export interface SessionRequest {
  /** Where the pool listens; an empty host name is what the spawner sees. */
  readonly address: string;
  /** The pool's certificate (PEM), if the address is a `tls` one. */
  readonly certificate?: string;
  /** What tasks may do: by the name of a permission `true`, or a list. */
  readonly grants: { readonly [name: string]: true | readonly string[] };
  /** Further arguments for `deno run`. */
  readonly denoArgs: readonly string[];
  /** Environment variables besides those of the spawner. */
  readonly env: Readonly<Record<string, string>>;
  /** The folder that workers start in; the spawner's by default. */
  readonly cwd?: string;
}

/** What a spawner says of the machine that it runs on. */
export interface MachineInfo {
  /** The version of Deno. */
  readonly deno: string;
  /** The operating system and processor, as `"linux x86_64"`. */
  readonly platform: string;
  /** How many CPUs it has. */
  readonly cpus: number;
  /** How much memory it has, in bytes. */
  readonly memory: number;
}

/** Says how workers are to be started. */
export type Open = [
  type: typeof SpawnerMessageType.OPEN,
  request: SessionRequest,
];

/** Asks for a worker with this number. */
export type Start = [type: typeof SpawnerMessageType.START, worker: number];

/** Ends a worker at once. */
export type Kill = [type: typeof SpawnerMessageType.KILL, worker: number];

/** Asks for a sign of life. */
export type Ping = [type: typeof SpawnerMessageType.PING, id: number];

/** Workers can be asked for. */
export type Ready = [type: typeof SpawnerMessageType.READY, info: MachineInfo];

/** A worker has ended, or couldn't be started. */
export type Ended = [
  type: typeof SpawnerMessageType.ENDED,
  worker: number,
  exitStatus: string,
  /** The last that it wrote to stderr. */
  stderrTail: string,
];

/** A worker has written something. */
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
  /** The time there, in milliseconds since the epoch. */
  time: number,
];

/** What a pool sends to a spawner. */
export type PoolToSpawner = Open | Start | Kill | Ping;

/** What a spawner sends to a pool. */
export type SpawnerToPool = Ready | Ended | Output | Pong;
