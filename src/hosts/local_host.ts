import { type Address, formatAddress } from "../wire/address.ts";
import { Guard } from "./guard.ts";
import type { Host, WorkerProcess } from "./host.ts";
import { permissionFlags, type WorkerPermissions } from "./permissions.ts";

/** How workers on this machine are started. */
export interface LocalHostSettings {
  /** How many workers. */
  readonly workers: number;
  /** Where the pool listens. */
  readonly address: Address;
  /** The secret by which pool and worker know each other. */
  readonly secret: Uint8Array<ArrayBuffer>;
  /** The pool's folder, removed if the pool's process can't do it. */
  readonly folder: string | undefined;
  /** What tasks may do. */
  readonly permissions: WorkerPermissions;
  /** The configuration that imports resolve by; `undefined` for none. */
  readonly config: string | undefined;
  /** Further arguments for `deno run`. */
  readonly denoArgs: readonly string[];
  /** Environment variables besides those of this process. */
  readonly env: Readonly<Record<string, string>>;
  /** The folder that workers start in; `undefined` for this process's. */
  readonly cwd: string | undefined;
}

/** Starts workers on this machine. */
export class LocalHost implements Host {
  readonly name = "local";
  readonly workers: number;
  readonly #settings: LocalHostSettings;
  readonly #guard: Guard | undefined;

  /** Constructs the host and starts its guard. */
  constructor(settings: LocalHostSettings) {
    this.workers = settings.workers;
    this.#settings = settings;
    if (Guard.isSupported) this.#guard = new Guard(settings.folder);
  }

  /** Starts a `deno run worker.ts` of the same Deno and the same version. */
  start(worker: number): WorkerProcess {
    const { env, cwd, secret } = this.#settings;
    const child = new Deno.Command(denoPath(), {
      args: this.#arguments(worker),
      stdin: "piped",
      env: { ...env },
      ...(cwd === undefined ? {} : { cwd }),
    }).spawn();
    child.unref();
    this.#guard?.watch(child);
    tell(child, secret.toHex());
    return {
      ended: child.status.then(describeEnd),
      kill: () => kill(child),
    };
  }

  async close(): Promise<void> {
    await this.#guard?.close();
  }

  #arguments(worker: number): string[] {
    const { address, config, denoArgs, permissions } = this.#settings;
    return [
      "run",
      "--quiet",
      "--no-prompt",
      ...permissionFlags(permissions, address),
      ...(config === undefined ? ["--no-config"] : ["--config", config]),
      ...denoArgs,
      new URL("../../worker.ts", import.meta.url).href,
      "--connect",
      formatAddress(address),
      "--worker",
      String(worker),
    ];
  }
}

/**
 * Never called: a literal import() makes worker.ts part of the program's module
 * graph, so that Deno caches it, and locks what it imports, with the program.
 */
export function includeWorker(): Promise<unknown> {
  return import("../../worker.ts");
}

/** A compiled program is no `deno` itself; there must be one to be found. */
function denoPath(): string {
  return Deno.build.standalone ? "deno" : Deno.execPath();
}

async function tell(child: Deno.ChildProcess, text: string): Promise<void> {
  const writer = child.stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode(text));
    await writer.close();
  } catch {
    // It has ended already, which is noticed as such.
  }
}

function describeEnd({ code, signal }: Deno.CommandStatus): string {
  return signal === null ? `exit code ${code}` : `signal ${signal}`;
}

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has ended already.
  }
}
