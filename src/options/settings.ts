import { fileURLToPath } from "node:url";
import { checkWorkerOptions } from "./host_options.ts";
import { type HostSettings, parseHosts } from "./host_spec.ts";
import {
  checkChoice,
  checkInteger,
  checkMilliseconds,
  checkNames,
  checkSecret,
  checkSignal,
  checkText,
  invalid,
} from "./option_checks.ts";
import type { CallOptions, MapOptions, PoolOptions } from "./options.ts";
import type { TaskLike } from "../tasks/task.ts";
import { findConfig } from "../util/find_config.ts";

type ReadOption = "hosts" | "initializer" | "localhost" | "config" | "cwd";

/** A pool's options, checked and complete. */
export interface PoolSettings extends Required<Omit<PoolOptions, ReadOption>> {
  /** The other machines, read. */
  readonly hosts: readonly HostSettings[];
  /** See {@linkcode PoolOptions.initializer}. */
  readonly initializer: TaskLike<never[], unknown> | undefined;
  /** See {@linkcode PoolOptions.localhost}. */
  readonly localhost: string | undefined;
  /** The configuration's path, if there is one. */
  readonly config: string | undefined;
  /** See {@linkcode PoolOptions.cwd}. */
  readonly cwd: string | undefined;
}

/** A map's options, checked and complete. */
export interface MapSettings
  extends Required<Omit<MapOptions, "timeout" | "signal">> {
  /** See {@linkcode MapOptions.timeout}. */
  readonly timeout: number | undefined;
  /** See {@linkcode MapOptions.signal}. */
  readonly signal: AbortSignal | undefined;
}

/**
 * Checks a pool's options and fills in the defaults.
 *
 * @throws {TypeError} If there is no such option.
 * @throws {RangeError} If an option has a value that it can't have.
 */
export function poolSettings(options: PoolOptions): PoolSettings {
  const workers = options.workers ?? 0;
  checkInteger("workers", workers, 0);
  const { prefetch = "auto", concurrency = 1, startTimeout = 60_000 } = options;
  if (prefetch !== "auto") checkInteger("prefetch", prefetch, 0, `, or "auto"`);
  checkInteger("concurrency", concurrency, 1);
  checkMilliseconds("startTimeout", startTimeout);
  const { onHostError = "fail", modules = "auto" } = options;
  checkChoice("onHostError", onHostError, ["fail", "continue"]);
  checkChoice("modules", modules, ["auto", "bundle"]);
  checkSecret("token", options.token);
  const { initializerArgs = [] } = options;
  if (!Array.isArray(initializerArgs)) {
    throw invalid("initializerArgs", initializerArgs, "an array");
  }
  checkWorkerOptions(options);
  const hosts = parseHosts(options.hosts ?? []);
  const settings = {
    workers: workers === 0 && hosts.length === 0
      ? navigator.hardwareConcurrency
      : workers,
    hosts,
    onHostError,
    token: options.token?.trim() ?? "",
    modules,
    prefetch,
    concurrency,
    initializer: options.initializer,
    initializerArgs,
    lazy: options.lazy ?? false,
    permissions: options.permissions ?? "inherit",
    config: configPath(options.config),
    denoArgs: options.denoArgs ?? [],
    env: options.env ?? {},
    cwd: options.cwd,
    startTimeout,
    ...networkSettings(options),
    ...recoverySettings(options),
  };
  checkNames("Pool", options, settings);
  return settings;
}

/** The options about how workers connect. */
function networkSettings(options: PoolOptions) {
  const defaultTransport = Deno.build.os === "windows" ? "tcp" : "unix";
  const { transport = defaultTransport, localhost, localport = 0 } = options;
  checkChoice("transport", transport, ["unix", "tcp"]);
  checkText("localhost", localhost);
  checkInteger("localport", localport, 0);
  if (localport > 65_535) {
    throw invalid("localport", localport, "a port of at most 65535");
  }
  return { transport, localhost, localport };
}

/** The options about what happens when something goes wrong. */
function recoverySettings(options: PoolOptions) {
  const {
    retries = 0,
    maxRestarts = 10,
    cancelGrace = 1_000,
    heartbeatTimeout = 15_000,
    hostTimeout = 60_000,
    stdio = "lines",
  } = options;
  checkInteger("retries", retries, 0);
  if (maxRestarts !== Infinity) {
    checkInteger("maxRestarts", maxRestarts, 0, ", or Infinity");
  }
  checkMilliseconds("cancelGrace", cancelGrace);
  checkMilliseconds("heartbeatTimeout", heartbeatTimeout);
  checkMilliseconds("hostTimeout", hostTimeout);
  checkChoice("stdio", stdio, ["lines", "inherit", "null"]);
  return {
    retries,
    maxRestarts,
    cancelGrace,
    heartbeatTimeout,
    hostTimeout,
    stdio,
  };
}

/**
 * Checks a map's options and fills in the defaults.
 *
 * @throws {TypeError} If there is no such option.
 * @throws {RangeError} If an option has a value that it can't have.
 */
export function mapSettings(options: MapOptions): MapSettings {
  const { chunkSize = "auto", ordered = true, spread = false } = options;
  const { timeout, signal } = options;
  if (chunkSize !== "auto") {
    checkInteger("chunkSize", chunkSize, 1, `, or "auto"`);
  }
  if (timeout !== undefined) checkMilliseconds("timeout", timeout);
  checkSignal(signal);
  const settings = { timeout, chunkSize, ordered, spread, signal };
  checkNames("map", options, settings);
  return settings;
}

const CALL_OPTIONS = {
  host: undefined,
  timeout: undefined,
  signal: undefined,
  retries: undefined,
};

/**
 * Checks the options of calls.
 *
 * @param hosts What the pool's hosts are called.
 * @throws {TypeError} If there is no such option.
 * @throws {RangeError} If an option has a value that it can't have.
 */
export function callSettings(
  options: CallOptions,
  hosts: readonly string[],
): CallOptions {
  const { host, timeout, signal, retries } = options;
  checkNames("options", options, CALL_OPTIONS);
  if (host !== undefined) checkChoice("host", host, hosts);
  if (timeout !== undefined) checkMilliseconds("timeout", timeout);
  if (retries !== undefined) checkInteger("retries", retries, 0);
  checkSignal(signal);
  return options;
}

function configPath(config: PoolOptions["config"]): string | undefined {
  if (config === false) return undefined;
  if (config === undefined) return findConfig();
  const path = config instanceof URL || config.startsWith("file:")
    ? fileURLToPath(config)
    : config;
  if (!exists(path)) throw invalid("config", path, "the path of a file");
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
