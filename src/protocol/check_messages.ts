/**
 * Checks the shape of each message once, on arrival. Later code can rely on its
 * type.
 *
 * @module
 */

import { isPlainList } from "../codec/sparse_arrays.ts";
import {
  MessageType,
  type PoolMessage,
  ResultMode,
  type WorkerMessage,
} from "./worker_messages.ts";
import {
  type AgentToPool,
  type PoolToAgent,
  type PoolToSpawner,
  SpawnerMessageType,
  type SpawnerToPool,
} from "./spawner_messages.ts";

type Check = (value: unknown) => boolean;

/** The checks of the elements that follow the type, by type. */
type Formats = ReadonlyMap<unknown, readonly Check[]>;

const FROM_WORKER: Formats = new Map([
  [MessageType.RESULTS, [isUint32, isUint32, isFilledList]],
  [MessageType.CHUNK_RESULTS, [isUint32, isUint32, isPlainList]],
  [MessageType.FAILURE, [isUint32, isUint32, isAnything, isPlainList]],
  [MessageType.ITEM_FAILURE, [isUint32, isUint32, isAnything]],
  [MessageType.END, [isUint32, isUint32]],
  [MessageType.VALUES, [isUint32, isUint32, isFilledList]],
  [MessageType.CREDIT, [isUint32, isUint32, isUint32, isSize]],
  [MessageType.STOP, [isUint32, isUint32, isAnything]],
  [MessageType.RECALLED, [isRuns]],
  [MessageType.FULL, [isSize]],
  [MessageType.BEGUN, [isUint32]],
]);

const FROM_POOL: Formats = new Map([
  [MessageType.DEFINE, [isUint32, isDefinition]],
  [MessageType.FORGET, [listOf(isUint32)]],
  [MessageType.CALLS, [isUint32, isUint32, isMode, isFilledListOfLists]],
  [MessageType.CHUNK, [isUint32, isUint32, isBoolean, isFilledList]],
  [MessageType.SETTLED_CHUNK, [isUint32, isUint32, isBoolean, isFilledList]],
  [MessageType.MODULE, [isText, isText, either(isText, isError)]],
  [MessageType.CANCEL, [isUint32]],
  [MessageType.OPEN, [
    isUint32,
    isUint32,
    isMode,
    isPlainList,
    listOf(isUint32),
  ]],
  [MessageType.VALUES, [isUint32, isUint32, isFilledList]],
  [MessageType.CREDIT, [isUint32, isUint32, isUint32, isSize]],
  [MessageType.CLOSE, [isUint32, isUint32, isPlainList]],
  [MessageType.RECALL, [isUint32, isUint32, isBoolean]],
  [MessageType.RESOURCES, [
    isUint32,
    mapOf(either(isNumber, listOf(isUint32))),
  ]],
  [MessageType.NUMBERED, [isUint32, isSize, isSeed]],
  [MessageType.WATCH, [isUint32, isBoolean]],
]);

const RELAY: Formats = new Map([
  [SpawnerMessageType.RELAY, [isUint32, isBytes]],
  [SpawnerMessageType.RELAY_CREDIT, [isUint32, isUint32]],
  [SpawnerMessageType.RELAY_END, [isUint32]],
]);

const FROM_POOL_TO_SPAWNER: Formats = new Map([
  ...RELAY,
  [SpawnerMessageType.OPEN, [isRequest]],
  [SpawnerMessageType.START, [isUint32]],
  [SpawnerMessageType.KILL, [isUint32]],
  [SpawnerMessageType.CONNECTED, [isUint32]],
  [SpawnerMessageType.PING, [isUint32]],
]);

const FROM_SPAWNER: Formats = new Map([
  ...RELAY,
  [SpawnerMessageType.RELAY_OPEN, [isUint32]],
  [SpawnerMessageType.READY, [isMachine]],
  [SpawnerMessageType.ENDED, [
    isUint32,
    isText,
    isText,
    either(isUndefined, isMemoryUse),
  ]],
  [SpawnerMessageType.OUTPUT, [isUint32, isStream, isBytes]],
  [SpawnerMessageType.PONG, [isUint32, isNumber]],
]);

const FROM_POOL_TO_AGENT: Formats = new Map([
  ...FROM_POOL_TO_SPAWNER,
  [SpawnerMessageType.REFUSE, [isText]],
]);

const FROM_AGENT: Formats = new Map([
  ...FROM_SPAWNER,
  [SpawnerMessageType.HELLO, [isOffer]],
  [SpawnerMessageType.LEAVE, [isText, isDuration]],
]);

/** @throws {RangeError} If it isn't a message from a worker. */
export function fromWorker(message: unknown[]): WorkerMessage {
  check(message, FROM_WORKER, "worker");
  return message as unknown as WorkerMessage;
}

/** @throws {RangeError} If it isn't a message from a pool to a worker. */
export function fromPool(message: unknown[]): PoolMessage {
  check(message, FROM_POOL, "pool");
  const checked = message as unknown as PoolMessage;
  const isChunk = checked[0] === MessageType.CHUNK ||
    checked[0] === MessageType.SETTLED_CHUNK;
  if (isChunk && checked[3] && !checked[4].every(isPlainList)) {
    throw malformed(checked[0], "pool");
  }
  return checked;
}

/** @throws {RangeError} If it isn't a message from a pool to a spawner. */
export function fromPoolToSpawner(message: unknown[]): PoolToSpawner {
  check(message, FROM_POOL_TO_SPAWNER, "pool");
  return message as unknown as PoolToSpawner;
}

/** @throws {RangeError} If it isn't a message from a spawner. */
export function fromSpawner(message: unknown[]): SpawnerToPool {
  check(message, FROM_SPAWNER, "spawner");
  return message as unknown as SpawnerToPool;
}

/** @throws {RangeError} If it isn't a message from a pool to an agent. */
export function fromPoolToAgent(message: unknown[]): PoolToAgent {
  check(message, FROM_POOL_TO_AGENT, "pool");
  return message as unknown as PoolToAgent;
}

/** @throws {RangeError} If it isn't a message from an agent. */
export function fromAgent(message: unknown[]): AgentToPool {
  check(message, FROM_AGENT, "agent");
  return message as unknown as AgentToPool;
}

function check(message: unknown[], formats: Formats, sender: string): void {
  const format = formats.get(message[0]);
  if (format === undefined) {
    // Other values may fail to convert to text.
    const type = isNumber(message[0]) ? message[0] : typeof message[0];
    throw new RangeError(
      `Malformed message: a ${sender} doesn't send messages of type ${type}`,
    );
  }
  if (message.length !== format.length + 1) throw malformed(message[0], sender);
  for (let index = 0; index < format.length; index++) {
    if (!format[index]!(message[index + 1])) {
      throw malformed(message[0], sender);
    }
  }
}

function malformed(type: unknown, sender: string): RangeError {
  return new RangeError(
    `Malformed message: a ${sender}'s message of type ${type} has wrong fields`,
  );
}

function isAnything(): boolean {
  return true;
}

function isNumber(value: unknown): value is number {
  return typeof value === "number";
}

function isUint32(value: unknown): value is number {
  return isNumber(value) && value >>> 0 === value;
}

/**
 * Returns whether a value is a number of bytes, which may be that of a message,
 * or the index of an item.
 */
function isSize(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Returns whether a value is a time in milliseconds, which may be infinite. */
function isDuration(value: unknown): boolean {
  return isNumber(value) && value >= 0;
}

function isMode(value: unknown): value is ResultMode {
  return value === ResultMode.VALUE || value === ResultMode.STREAM ||
    value === ResultMode.FLATTEN;
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === "boolean";
}

function isInspect(value: unknown): boolean {
  return isBoolean(value) || value === "wait";
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isError(value: unknown): value is Error {
  return value instanceof Error;
}

function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array;
}

function isStream(value: unknown): boolean {
  return value === "stdout" || value === "stderr";
}

function isFilledList(value: unknown): value is unknown[] {
  return isPlainList(value) && value.length > 0;
}

function isFilledListOfLists(value: unknown): boolean {
  return isFilledList(value) && value.every(isPlainList);
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null &&
    Object.getPrototypeOf(value) === Object.prototype;
}

function isTrue(value: unknown): boolean {
  return value === true;
}

function isUndefined(value: unknown): boolean {
  return value === undefined;
}

/** Returns whether a value is a list of calls: see {@link Recalled}. */
function isRuns(value: unknown): boolean {
  return isPlainList(value) && value.length % 3 === 0 && value.every(isUint32);
}

/** Returns whether a value is a seed, or none: see {@link Numbered}. */
function isSeed(value: unknown): boolean {
  return isPlainList(value) && (value.length === 0 || value.length === 2) &&
    value.every(isUint32);
}

function listOf(isElement: Check): Check {
  return (value) => isPlainList(value) && value.every((one) => isElement(one));
}

function mapOf(isValue: Check): Check {
  return (value) => isMap(value) && Object.values(value).every(isValue);
}

function either(one: Check, other: Check): Check {
  return (value) => one(value) || other(value);
}

function isDefinition(value: unknown): boolean {
  if (!isMap(value)) return false;
  switch (value.kind) {
    case "inline":
      return isText(value.source) && isText(value.name) &&
        either(isUndefined, isText)(value.map);
    case "module":
      return isText(value.url) && isText(value.name) &&
        either(isUndefined, isBoolean)(value.sent);
    case "bound":
      return isUint32(value.task) && isPlainList(value.constants);
    default:
      return false;
  }
}

function isRequest(value: unknown): boolean {
  return isMap(value) && isText(value.address) &&
    either(isUndefined, isText)(value.certificate) &&
    mapOf(either(isTrue, listOf(isText)))(value.grants) &&
    listOf(isText)(value.denoArgs) && mapOf(isText)(value.env) &&
    either(isUndefined, isText)(value.cwd) &&
    either(isUndefined, isInspect)(value.inspect) &&
    either(isUndefined, isBoolean)(value.fanout) &&
    either(isUndefined, isSize)(value.maxMemory);
}

function isMemoryUse(value: unknown): boolean {
  return isMap(value) && (value.kind === "limit" || value.kind === "heap") &&
    isSize(value.bytes) && either(isUndefined, isSize)(value.limit);
}

/** More processors than any machine has. */
const MAX_CPUS = 65_536;

function isMachine(value: unknown): boolean {
  return isMap(value) && isText(value.deno) && isText(value.platform) &&
    isUint32(value.cpus) && value.cpus > 0 && value.cpus <= MAX_CPUS &&
    isNumber(value.memory);
}

/** More workers than any machine runs. */
const MAX_OFFERED = 65_536;

function isOffer(value: unknown): boolean {
  return isMap(value) && isUint32(value.workers) && value.workers > 0 &&
    value.workers <= MAX_OFFERED && isText(value.name) &&
    either(isUndefined, isText)(value.job) && mapOf(isText)(value.labels) &&
    mapOf(either(isNumber, isText))(value.resources) &&
    either(isUndefined, isDuration)(value.wallTime) &&
    either(isUndefined, isDuration)(value.maxIdle);
}
