import { denoPath } from "../util/deno_path.ts";
import { type Address, formatAddress } from "../transport/address.ts";
import type { Reaper } from "./reaper.ts";
import { readStderrTail } from "./stderr_tail.ts";
import { type Grants, permissionFlags } from "./permission_flags.ts";
import { programArgs } from "./program_args.ts";

/** How much of what a worker wrote to stderr is told with its end. */
const MAX_LAST_WORDS = 2_048;

/**
 * How long the output of a process that has ended may go on, in milliseconds: a
 * process that it has started may have its streams, and outlive it.
 */
const OUTPUT_TIMEOUT = 500;

/** How a worker's process ended. */
export interface WorkerEnd {
  /** Its exit code or signal, in words. */
  readonly exitStatus: string;
  /** The last that it wrote to stderr, if that was read. */
  readonly stderrTail: string;
  /** Whether it is its host that was lost, with what was on its way. */
  readonly hostLost?: boolean;
}

/** A process that was started to be a worker. */
export interface WorkerProcess {
  /** Resolves, when the process has ended, to how. */
  readonly ended: Promise<WorkerEnd>;
  /** Ends the process at once. */
  kill(): void;
}

/** One of the two ways that a program says something. */
export type OutputStream = "stdout" | "stderr";

/** Takes what a worker writes; the worker waits until it is resolved. */
export type OutputHandler = (
  worker: number,
  stream: OutputStream,
  bytes: Uint8Array<ArrayBuffer>,
) => Promise<void> | void;

/** How the workers of a pool are started in one place. */
export interface SpawnerSettings {
  /** The program that a worker runs: a URL or a path. */
  readonly program: string;
  /** Where the pool listens. */
  readonly address: Address;
  /** The secret by which pool and worker know each other. */
  readonly secret: Uint8Array<ArrayBuffer>;
  /** The pool's certificate (PEM), if the address is a `tls` one. */
  readonly certificate: string | undefined;
  /** What tasks may do. */
  readonly grants: Grants;
  /** The configuration that imports resolve by; `undefined` for none. */
  readonly config: string | undefined;
  /** Further arguments for `deno run`. */
  readonly denoArgs: readonly string[];
  /** Environment variables besides those of this process. */
  readonly env: Readonly<Record<string, string>>;
  /** The folder that workers start in; `undefined` for this process's. */
  readonly cwd: string | undefined;
  /** Takes what workers write; `undefined`: it goes where this process's does. */
  readonly onOutput: OutputHandler | undefined;
}

/** Starts worker processes on the machine that it runs on. */
export class Spawner {
  readonly #settings: SpawnerSettings;
  readonly #reaper: Reaper | undefined;

  /** Constructs a spawner; `reaper` ends its workers if this process can't. */
  constructor(settings: SpawnerSettings, reaper: Reaper | undefined) {
    this.#settings = settings;
    this.#reaper = reaper;
  }

  /**
   * Starts a worker, of the same Deno as this process's.
   *
   * @param worker The number by which it introduces itself to the pool.
   * @throws {Error} If `deno` can't be run.
   */
  start(worker: number): WorkerProcess {
    const { env, cwd, secret, certificate = "", onOutput } = this.#settings;
    const stdio = onOutput === undefined ? "inherit" : "piped";
    const child = new Deno.Command(denoPath(), {
      args: this.#arguments(worker),
      stdin: "piped",
      stdout: stdio,
      stderr: stdio,
      env: { ...env },
      ...(cwd === undefined ? {} : { cwd }),
    }).spawn();
    child.unref();
    this.#reaper?.watch(child);
    tell(child, `${secret.toHex()}\n${certificate}`);
    return {
      ended: onOutput === undefined
        ? child.status.then((status) => describe(status, ""))
        : readOutput(child, worker, onOutput),
      kill: () => kill(child),
    };
  }

  #arguments(worker: number): string[] {
    const { program, address, config, denoArgs, grants } = this.#settings;
    return [
      "run",
      "--quiet",
      "--no-prompt",
      ...permissionFlags(grants, address),
      ...programArgs(program, config, denoArgs),
      "--connect",
      formatAddress(address),
      "--worker",
      String(worker),
    ];
  }
}

/** Ends a process, if it hasn't ended already. */
export function kill(
  child: Deno.ChildProcess,
  signal: Deno.Signal = "SIGKILL",
): void {
  try {
    child.kill(signal);
  } catch {
    // It has ended already.
  }
}

/**
 * Waits until a process has ended, and its output was read.
 *
 * @param readers The readers of its streams.
 * @param reading Resolves when they have come to the ends.
 */
export async function outputRead(
  child: Deno.ChildProcess,
  readers: readonly ReadableStreamDefaultReader[],
  reading: Promise<unknown>,
): Promise<Deno.CommandStatus> {
  const status = await child.status;
  const timer = setTimeout(() => {
    for (const reader of readers) reader.cancel();
  }, OUTPUT_TIMEOUT);
  await reading;
  clearTimeout(timer);
  return status;
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

async function readOutput(
  child: Deno.ChildProcess,
  worker: number,
  onOutput: OutputHandler,
): Promise<WorkerEnd> {
  let tail = new Uint8Array();
  const readers = {
    stdout: child.stdout.getReader(),
    stderr: child.stderr.getReader(),
  };
  const read = async (name: OutputStream) => {
    for (;;) {
      const { done, value } = await readers[name].read();
      if (done) return;
      if (name === "stderr") tail = lastOf(tail, value);
      await onOutput(worker, name, value);
    }
  };
  const reading = Promise.all([read("stdout"), read("stderr")]);
  const status = await outputRead(child, Object.values(readers), reading);
  return describe(status, await readStderrTail(tail));
}

function lastOf(
  before: Uint8Array,
  bytes: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(before.length + bytes.length);
  all.set(before);
  all.set(bytes, before.length);
  return all.slice(-MAX_LAST_WORDS);
}

function describe(
  { code, signal }: Deno.CommandStatus,
  stderrTail: string,
): WorkerEnd {
  const exitStatus = signal === null ? `exit code ${code}` : `signal ${signal}`;
  return { exitStatus, stderrTail };
}
