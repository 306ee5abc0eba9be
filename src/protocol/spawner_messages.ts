/**
 * The messages between a pool and a spawner on another machine.
 *
 * | Message          | From    | When                              | Answered by |
 * | ---------------- | ------- | --------------------------------- | ----------- |
 * | {@link Open}     | pool    | first                             | Ready       |
 * | {@link Start}    | pool    | a worker is needed                | Ended       |
 * | {@link Kill}     | pool    | a worker must end at once         | Ended       |
 * | {@link Connected} | pool   | a worker has connected, and its memory is limited | Ended, if it uses too much |
 * | {@link Ping}     | pool    | regularly                         | Pong        |
 * | {@link Ready}    | spawner | workers can be started            | nothing     |
 * | {@link Ended}    | spawner | a worker has ended, or won't start | nothing    |
 * | {@link Output}   | spawner | a worker has written output       | nothing     |
 * | {@link Pong}     | spawner | after a ping                      | nothing     |
 * | {@link Hello}    | agent   | first                             | Open or Refuse |
 * | {@link Refuse}   | pool    | it doesn't take the agent         | nothing     |
 * | {@link Leave}    | agent   | it wants to end                   | the channel's end |
 *
 * | {@link RelayOpen} | spawner | a worker has connected to it     | nothing     |
 * | {@link Relay}    | both    | a worker's connection has bytes   | RelayCredit, when they are read |
 * | {@link RelayCredit} | both | the other end may send more bytes | nothing     |
 * | {@link RelayEnd} | both    | a worker's connection has ended   | nothing     |
 *
 * Agents are spawners that come by themselves; only they use Hello, Refuse and
 * Leave. The last four are used with `fanout`: workers then connect to their
 * spawner, which relays their bytes. It numbers these connections.
 *
 * @module
 */

import type { MemoryUse } from "../errors/out_of_memory_error.ts";

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
  HELLO: 9,
  LEAVE: 10,
  RELAY_OPEN: 11,
  RELAY: 12,
  RELAY_CREDIT: 13,
  RELAY_END: 14,
  REFUSE: 15,
  CONNECTED: 16,
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
  /** Whether workers have debuggers, and whether they wait for them. */
  readonly inspect?: boolean | "wait";
  /** The working directory; that of the spawner by default. */
  readonly cwd?: string;
  /** Whether workers connect to the spawner, which relays what they send. */
  readonly fanout?: boolean;
  /** How much memory each worker may use, in bytes; without a limit by default. */
  readonly maxMemory?: number;
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

/** What an agent offers. */
export interface AgentOffer {
  /** How many workers it starts. */
  readonly workers: number;
  /** The name of the agent in messages; by default, that of its machine. */
  readonly name: string;
  /** The id of its job, if a launcher started it. */
  readonly job?: string;
  /** The labels of its workers. */
  readonly labels: Readonly<Record<string, string>>;
  /** The amounts that its workers share, such as `{ memory: "64G" }`. */
  readonly resources: Readonly<Record<string, number | string>>;
  /** How long it may still run, in milliseconds; without a limit by default. */
  readonly wallTime?: number;
  /** After how long without a call it wants to leave, in milliseconds. */
  readonly maxIdle?: number;
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

/** Limits the memory of a worker, which has connected, from now on. */
export type Connected = [
  type: typeof SpawnerMessageType.CONNECTED,
  worker: number,
];

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
  /** How much memory it used, if it was out of memory. */
  memory: MemoryUse | undefined,
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

/** Offers the workers of an agent. */
export type Hello = [type: typeof SpawnerMessageType.HELLO, offer: AgentOffer];

/**
 * Announces that an agent will end. The pool takes back what its workers haven't
 * begun, waits for what they run, and closes the channel.
 */
export type Leave = [
  type: typeof SpawnerMessageType.LEAVE,
  reason: string,
  /** After how many milliseconds it ends in any case; `Infinity` for never. */
  timeLeft: number,
];

/** Refuses an agent; the pool then closes the channel. */
export type Refuse = [type: typeof SpawnerMessageType.REFUSE, reason: string];

/** Opens the connection of a worker. */
export type RelayOpen = [
  type: typeof SpawnerMessageType.RELAY_OPEN,
  relay: number,
];

/** Carries bytes of a worker's connection. */
export type Relay = [
  type: typeof SpawnerMessageType.RELAY,
  relay: number,
  bytes: Uint8Array<ArrayBuffer>,
];

/** Lets the other end send this many bytes more. */
export type RelayCredit = [
  type: typeof SpawnerMessageType.RELAY_CREDIT,
  relay: number,
  bytes: number,
];

/** Ends a worker's connection, in both directions. */
export type RelayEnd = [
  type: typeof SpawnerMessageType.RELAY_END,
  relay: number,
];

/** A message about a worker's connection. */
export type RelayMessage = RelayOpen | Relay | RelayCredit | RelayEnd;

/** A message to a spawner. */
export type PoolToSpawner =
  | Open
  | Start
  | Connected
  | Kill
  | Ping
  | Relay
  | RelayCredit
  | RelayEnd;

/** A message from a spawner. */
export type SpawnerToPool = Ready | Ended | Output | Pong | RelayMessage;

/** A message to an agent. */
export type PoolToAgent = PoolToSpawner | Refuse;

/** A message from an agent. */
export type AgentToPool = SpawnerToPool | Hello | Leave;
