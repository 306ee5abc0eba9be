import { dirname } from "node:path";
import { Reaper } from "../spawner/reaper.ts";
import { denoPath } from "../util/deno_path.ts";
import { isPackageJson } from "../util/find_config.ts";

/** Makes Deno use only those npm packages that it has already. */
const OFFLINE = { NPM_CONFIG_REGISTRY: "http://127.0.0.1:1" };

/** How a subcommand of Deno is run. */
export interface RunOptions {
  /** The configuration that resolves imports; `undefined` for none. */
  readonly config: string | undefined;
  /** Extra flags that affect how modules are found. */
  readonly flags: readonly string[];
  /** Kills the process when it is aborted. */
  readonly signal: AbortSignal | undefined;
  /**
   * Whether the program can do without the result: the process downloads
   * nothing from npm, and doesn't keep the program alive.
   *
   * @default {false}
   */
  readonly inBackground?: boolean;
}

/**
 * Runs a Deno subcommand that reads modules, such as `deno info`, and waits for
 * it.
 *
 * @param args The subcommand and its own flags.
 * @param module The URL of the module.
 * @throws {Error} If there is no `deno`, or the program may not run it.
 */
export async function runDeno(
  args: readonly string[],
  module: string,
  { config, flags, signal, inBackground = false }: RunOptions,
): Promise<Deno.CommandOutput> {
  // A process that starts too late wouldn't be killed.
  signal?.throwIfAborted();
  const child = new Deno.Command(denoPath(), {
    args: [...args, ...configFlags(config), ...flags, module],
    cwd: folderOf(config),
    env: { NO_COLOR: "1", ...(inBackground ? OFFLINE : {}) },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    ...(signal === undefined ? {} : { signal }),
  }).spawn();
  if (inBackground) {
    child.unref();
    // Whoever aborts waits for the end.
    signal?.addEventListener("abort", () => child.ref(), { once: true });
  }
  // A download may hang and outlive the program.
  const reaper = Reaper.isSupported ? new Reaper(undefined) : undefined;
  try {
    reaper?.watch(child);
    return await child.output();
  } finally {
    await reaper?.close();
  }
}

/** Returns the folder in which {@linkcode runDeno} runs Deno. */
export function folderOf(config: string | undefined): string {
  // No flag takes a package.json: Deno searches from the current folder.
  return config !== undefined && isPackageJson(config)
    ? dirname(config)
    : Deno.cwd();
}

function configFlags(config: string | undefined): string[] {
  if (config === undefined) return ["--no-config"];
  return isPackageJson(config) ? [] : ["--config", config];
}
