import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { FailureOptions } from "./failure_options.ts";
import { checkWorkerOptions } from "./host_options.ts";
import { type AnyHostSettings, parseAnyHosts } from "./any_host.ts";
import type { LimitOptions } from "./limit_options.ts";
import type { ListenOptions, NetworkOptions } from "./network_options.ts";
import {
  checkBoolean,
  checkChoice,
  checkInteger,
  checkMilliseconds,
  checkNames,
  checkObject,
  checkPort,
  checkSecret,
  checkString,
  wrongType,
  wrongValue,
} from "./option_checks.ts";
import { parsePlace, type WorkerPlace } from "./place.ts";
import type { PoolOptions } from "./pool_options.ts";
import { RENAMED_POOL_OPTIONS } from "./renamed_options.ts";
import { type AnyTask, TaskObject } from "../tasks/task.ts";
import { parseAmount } from "../util/parse_amount.ts";
import { findConfig } from "../util/find_config.ts";
import { type ScalingSettings, workerCount } from "./worker_count.ts";
import type { WorkerOptions } from "./worker_options.ts";

type ReadOption =
  | "workers"
  | "hosts"
  | "initializer"
  | "initializerArgs"
  | "listen"
  | "config"
  | "cwd"
  | "labels"
  | "resources"
  | "maxMemory";

/** Where a pool listens for workers that connect over TCP. */
export interface ListenSettings {
  /** See {@linkcode ListenOptions.hostname}. */
  readonly hostname: string | undefined;
  /** See {@linkcode ListenOptions.port}. */
  readonly port: number;
  /** See {@linkcode ListenOptions.token}. */
  readonly token: string | undefined;
  /** See {@linkcode ListenOptions.maxWorkers}. */
  readonly maxWorkers: number;
}

/** A pool's options, checked and with the defaults. */
export interface PoolSettings extends Required<Omit<PoolOptions, ReadOption>> {
  /** How many workers run on this machine, or may run there. */
  readonly workers: number;
  /** How their number changes, if it does. */
  readonly scaling?: ScalingSettings;
  /** Whether the program itself is the only worker on this machine. */
  readonly isInline?: true;
  /** The other machines. */
  readonly hosts: readonly AnyHostSettings[];
  /** See {@linkcode WorkerOptions.initializer}. */
  readonly initializer: AnyTask | undefined;
  /** See {@linkcode WorkerOptions.initializerArgs}. */
  readonly initializerArgs: readonly unknown[];
  /** See {@linkcode NetworkOptions.listen}. */
  readonly listen: ListenSettings;
  /** The path of the configuration, if there is one. */
  readonly config: string | undefined;
  /** See {@linkcode WorkerOptions.cwd}. */
  readonly cwd: string | undefined;
  /** The labels of this machine. */
  readonly labels: WorkerPlace["labels"];
  /** The amounts of this machine. */
  readonly resources: WorkerPlace["resources"];
  /** How much memory each worker may use, in bytes, if that is limited. */
  readonly maxMemory: number | undefined;
}

/**
 * Checks a pool's options and fills in the defaults.
 *
 * @throws {TypeError} If an option doesn't exist or has the wrong type.
 * @throws {RangeError} If an option is out of range, or the pool would have no
 * workers.
 */
export function poolSettings<Args extends unknown[]>(
  options: PoolOptions<Args>,
): PoolSettings {
  checkObject("Pool", options);
  const cpus = navigator.hardwareConcurrency;
  const { workers: count = cpus } = options;
  const isInline = count === "inline";
  if (typeof count === "string" && !isInline) {
    throw wrongType("workers", count, 'an integer of at least 0, or "inline"');
  }
  const { workers, scaling } = workerCount(isInline ? 1 : count, cpus);
  const { modules = "auto", codec = "msgpack", lazy = false } = options;
  checkChoice("modules", modules, ["auto", "bundle"]);
  checkChoice("codec", codec, ["msgpack", "structured"]);
  checkBoolean("lazy", lazy);
  const settings = {
    workers,
    hosts: parseAnyHosts(options.hosts ?? []),
    modules,
    codec,
    lazy,
    ...workerSettings(options),
    ...limitSettings(options),
    ...failureSettings(options),
    ...networkSettings(options),
    ...parsePlace(options),
  };
  checkNames("Pool", options, settings, RENAMED_POOL_OPTIONS);
  const isAlone = settings.hosts.length === 0 &&
    settings.listen.token === undefined;
  if (
    workers === 0 && isAlone
  ) {
    throw new RangeError(
      "'workers' is 0 and there are no 'hosts', so no worker could run tasks: add 'hosts' or a 'listen.token', or omit 'workers' for one worker per CPU",
    );
  }
  if (isInline && isAlone && settings.inspect !== false) {
    throw new RangeError(
      "'inspect' is for worker processes, but 'workers' is \"inline\": start the program itself with 'deno run --inspect-wait'",
    );
  }
  return {
    ...settings,
    ...(scaling === undefined ? {} : { scaling }),
    ...(isInline ? { isInline } : {}),
  };
}

function workerSettings<Args extends unknown[]>(options: WorkerOptions<Args>) {
  const { initializer, initializerArgs = [], stdio = "lines" } = options;
  const { inspect = false, outputCalls = false } = options;
  if (
    initializer !== undefined && typeof initializer !== "function" &&
    !((initializer as unknown) instanceof TaskObject)
  ) {
    throw wrongType(
      "initializer",
      initializer,
      "a function or a task from importTasks() or bind()",
    );
  }
  if (!Array.isArray(initializerArgs)) {
    throw wrongType("initializerArgs", initializerArgs, "an array");
  }
  checkChoice("stdio", stdio, ["lines", "inherit", "null"]);
  if (typeof inspect !== "boolean" && inspect !== "wait") {
    throw wrongType("inspect", inspect, 'true, false or "wait"');
  }
  checkBoolean("outputCalls", outputCalls);
  checkWorkerOptions(options);
  return {
    initializer: initializer as AnyTask | undefined,
    initializerArgs: initializerArgs as readonly unknown[],
    permissions: options.permissions ?? "inherit",
    config: configPath(options.config),
    denoArgs: options.denoArgs ?? [],
    env: options.env ?? {},
    cwd: options.cwd,
    stdio,
    inspect,
    outputCalls,
  };
}

function limitSettings(options: LimitOptions) {
  const {
    concurrency = 1,
    prefetch = "auto",
    maxQueue = Infinity,
    startTimeout = 60_000,
    cancelGrace = 1_000,
    maxTasksPerWorker = Infinity,
  } = options;
  checkInteger("maxTasksPerWorker", maxTasksPerWorker, 1, Infinity);
  const maxMemory = memoryLimit(options.maxMemory);
  checkInteger("concurrency", concurrency, 1);
  checkInteger("prefetch", prefetch, 0, "auto");
  checkInteger("maxQueue", maxQueue, 0, Infinity);
  checkMilliseconds("startTimeout", startTimeout);
  checkMilliseconds("cancelGrace", cancelGrace);
  return {
    concurrency,
    prefetch,
    maxQueue,
    startTimeout,
    cancelGrace,
    maxMemory,
    maxTasksPerWorker,
  };
}

/** Returns a limit of memory in bytes; `undefined` for none. */
function memoryLimit(limit: LimitOptions["maxMemory"]): number | undefined {
  if (limit === undefined || limit === Infinity) return undefined;
  const expected =
    'a number of bytes of at least 1, a text such as "512M" or "1.5GiB", or Infinity';
  if (typeof limit !== "number" && typeof limit !== "string") {
    throw wrongType("maxMemory", limit, expected);
  }
  const bytes = typeof limit === "string" ? parseAmount(limit) : limit;
  if (bytes !== undefined && bytes >= 1 && bytes <= Number.MAX_SAFE_INTEGER) {
    return Math.floor(bytes);
  }
  throw wrongValue("maxMemory", limit, expected);
}

function failureSettings(options: FailureOptions) {
  const {
    onHostError = "fail",
    retries = 0,
    maxRestarts = 10,
    heartbeatTimeout = 15_000,
    hostTimeout = 60_000,
    stallWarning = 60_000,
  } = options;
  checkChoice("onHostError", onHostError, ["fail", "continue"]);
  checkInteger("retries", retries, 0);
  checkInteger("maxRestarts", maxRestarts, 0, Infinity);
  checkMilliseconds("heartbeatTimeout", heartbeatTimeout);
  checkMilliseconds("hostTimeout", hostTimeout);
  checkMilliseconds("stallWarning", stallWarning, 0);
  return {
    onHostError,
    retries,
    maxRestarts,
    heartbeatTimeout,
    hostTimeout,
    stallWarning,
  };
}

function networkSettings(options: NetworkOptions) {
  const defaultTransport = Deno.build.os === "windows" ? "tcp" : "unix";
  const { transport = defaultTransport, listen = {}, token } = options;
  checkChoice("transport", transport, ["unix", "tcp"]);
  checkSecret("token", token);
  return {
    transport,
    listen: listenSettings(listen),
    token: token?.trim() ?? "",
  };
}

function listenSettings(listen: ListenOptions): ListenSettings {
  checkObject("'listen'", listen);
  const { hostname, port = 0, token, maxWorkers = 1_024 } = listen;
  checkString("listen.hostname", hostname);
  checkPort("listen.port", port);
  checkSecret("listen.token", token);
  if (token?.trim() === "") {
    throw new RangeError(
      "'listen.token' is empty, so everyone could join: give a secret, such as the output of 'openssl rand -hex 32'",
    );
  }
  checkInteger("listen.maxWorkers", maxWorkers, 1);
  const settings = { hostname, port, token: token?.trim(), maxWorkers };
  checkNames("'listen'", listen, settings);
  return settings;
}

function configPath(config: PoolOptions["config"]): string | undefined {
  if (config === false) return undefined;
  if (config === undefined) return findConfig();
  if (typeof config !== "string" && !(config instanceof URL)) {
    throw wrongType("config", config, "a path, a file URL or false");
  }
  // Workers may start in another folder.
  const path = resolve(
    config instanceof URL || config.startsWith("file:")
      ? fileURLToPath(config)
      : config,
  );
  if (!exists(path)) throw wrongValue("config", path, "the path of a file");
  return path;
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
