import type { MemoryUse } from "../errors/out_of_memory_error.ts";
import { IN_JOB } from "../worker/in_job.ts";
import { MAX_MEMORY } from "../worker/max_memory.ts";
import { denoPath } from "../util/deno_path.ts";
import { type Address, formatAddress } from "../transport/address.ts";
import { Child, type OutputStream } from "./child.ts";
import type { Reaper } from "./reaper.ts";
import { readStderrTail } from "./stderr_tail.ts";
import { readHeapDeath } from "./heap_death.ts";
import { MemoryLimit } from "./memory_limit.ts";
import { MemoryMeter } from "./memory_meter.ts";
import { type Grants, permissionFlags } from "./permission_flags.ts";
import { inspectFlags } from "./inspect_flags.ts";
import { programArgs } from "./program_args.ts";
import { type WorkerEnd, WorkerProcess } from "./worker_process.ts";

/** How much of a worker's stderr is reported with its end, in bytes. */
const MAX_STDERR_TAIL = 2_048;

/** About how much memory a worker needs outside of V8's old space, in bytes. */
const OTHER_MEMORY = 64e6;

/** A heap in which a worker can start, and report that it needs more, in bytes. */
const LEAST_HEAP = 32e6;

/** Takes the output of a worker; the worker waits until it has resolved. */
export type OutputHandler = (
  worker: number,
  stream: OutputStream,
  bytes: Uint8Array<ArrayBuffer>,
) => Promise<void> | void;

/** How the workers of a pool are started on one machine. */
export interface LauncherSettings {
  /** The program of a worker: a URL or a path. */
  readonly program: string;
  /** The path of the same program in one file, if there is such a file. */
  readonly bundle?: string | undefined;
  /** The address that the pool listens on. */
  readonly address: Address;
  /** The secret that the pool and its workers share. */
  readonly secret: Uint8Array<ArrayBuffer>;
  /** The pool's certificate (PEM), for a `tls` address. */
  readonly certificate: string | undefined;
  /** The permissions of tasks. */
  readonly grants: Grants;
  /** The configuration file for imports; `undefined` for none. */
  readonly config: string | undefined;
  /** Further arguments for `deno run`. */
  readonly denoArgs: readonly string[];
  /** Environment variables besides those of this process. */
  readonly env: Readonly<Record<string, string>>;
  /** The working directory; `undefined` for that of this process. */
  readonly cwd: string | undefined;
  /**
   * Whether workers have debuggers, and whether they wait for them. They print
   * their addresses, which only `onOutput` gets.
   *
   * @default {false}
   */
  readonly inspect?: boolean | "wait" | undefined;
  /** How much memory each worker may use, in bytes; `undefined`: any amount. */
  readonly maxMemory?: number | undefined;
  /** Whether the workers may run in a job of a batch system. */
  readonly isInJob?: boolean;
  /** Takes the output of workers; if `undefined`, they inherit the streams. */
  readonly onOutput: OutputHandler | undefined;
}

/** Starts worker processes on this machine. */
export class WorkerLauncher {
  readonly #settings: LauncherSettings;
  readonly #reaper: Reaper | undefined;
  readonly #memoryLimit: MemoryLimit | undefined;

  /**
   * Constructs a launcher.
   *
   * @param reaper Kills the workers if this process can't.
   */
  constructor(settings: LauncherSettings, reaper: Reaper | undefined) {
    this.#settings = settings;
    this.#reaper = reaper;
    const { maxMemory } = settings;
    this.#memoryLimit = maxMemory === undefined || !MemoryMeter.isSupported
      ? undefined
      : new MemoryLimit(maxMemory);
  }

  /**
   * Starts a worker with the same Deno as this process.
   *
   * @param worker The number that the worker sends when it connects.
   * @param name The name of the worker in messages.
   * @throws {Error} If `deno` can't be run.
   */
  start(worker: number, name: string): WorkerProcess {
    const { env, cwd, secret, certificate = "", onOutput, maxMemory } =
      this.#settings;
    const stdio = onOutput === undefined ? "inherit" : "piped";
    const child = new Child(
      new Deno.Command(denoPath(), {
        args: this.arguments(worker),
        stdin: "piped",
        stdout: stdio,
        stderr: stdio,
        env: { ...env },
        ...(cwd === undefined ? {} : { cwd }),
      }).spawn(),
    );
    this.#reaper?.watch(child);
    child.endInput(`${secret.toHex()}\n${certificate}`);
    const ended = onOutput === undefined
      ? child.status.then((status) => endOf(status, ""))
      : readOutput(child, worker, onOutput);
    return maxMemory === undefined
      ? new WorkerProcess(name, ended, () => child.kill())
      : this.#limited(name, child, ended, maxMemory);
  }

  /** Ends what watches the memory of workers, once they have ended. */
  async close(): Promise<void> {
    await this.#memoryLimit?.close();
  }

  /**
   * Returns the arguments of `deno` for a worker.
   *
   * @param worker The number that the worker sends when it connects.
   */
  arguments(worker: number): string[] {
    const {
      address,
      config,
      denoArgs,
      grants,
      maxMemory,
      isInJob,
      inspect = false,
    } = this.#settings;
    const heapFlags = maxMemory === undefined ? [] : [heapFlag(maxMemory)];
    return [
      "run",
      // It would also silence the debugger.
      ...(inspect === false ? ["--quiet"] : []),
      "--no-prompt",
      ...permissionFlags(grants, address),
      ...programArgs(this.#program(), config, [
        ...inspectFlags(inspect, denoArgs),
        ...heapFlags,
        ...denoArgs,
      ]),
      "--connect",
      formatAddress(address),
      "--worker",
      String(worker),
      ...(maxMemory === undefined ? [] : [MAX_MEMORY, String(maxMemory)]),
      ...(isInJob ? [IN_JOB] : []),
    ];
  }

  /** Returns the handle of a worker whose memory is limited. */
  #limited(
    name: string,
    child: Child,
    ended: Promise<WorkerEnd>,
    limit: number,
  ): WorkerProcess {
    let memory: MemoryUse | undefined;
    const endedWithin = ended.then((end) => {
      memory ??= end.memory && { ...end.memory, limit };
      return { ...end, memory };
    });
    return new WorkerProcess(name, endedWithin, () => child.kill(), () => {
      this.#watchMemory(child, (bytes) => {
        memory = { kind: "limit", bytes, limit };
        child.kill();
      });
    });
  }

  /** Watches the memory of a worker, unless there is no shell, as on Windows. */
  #watchMemory(child: Child, onExceeded: (bytes: number) => void): void {
    try {
      this.#memoryLimit?.watch(child, onExceeded);
    } catch (error) {
      // Some containers have none. Agents run there all the same.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  /** Another program may have removed the bundle from the cache. */
  #program(): string {
    const { program, bundle } = this.#settings;
    return bundle !== undefined && isFile(bundle) ? bundle : program;
  }
}

/**
 * Returns the flag that limits V8's heap. The rest of a worker's memory isn't in
 * the heap, and V8 collects garbage in time only if it knows a limit.
 */
function heapFlag(maxMemory: number): string {
  const heap = Math.max(maxMemory - OTHER_MEMORY, maxMemory / 2, LEAST_HEAP);
  return `--v8-flags=--max-old-space-size=${Math.ceil(heap / 2 ** 20)}`;
}

function isFile(path: string): boolean {
  try {
    return Deno.lstatSync(path).isFile;
  } catch {
    return false;
  }
}

async function readOutput(
  child: Child,
  worker: number,
  onOutput: OutputHandler,
): Promise<WorkerEnd> {
  let tail = new Uint8Array();
  const status = await child.readOutput({
    stdout: (bytes) => onOutput(worker, "stdout", bytes),
    stderr: (bytes) => {
      tail = lastOf(tail, bytes);
      return onOutput(worker, "stderr", bytes);
    },
  });
  return endOf(status, await readStderrTail(tail));
}

function lastOf(
  before: Uint8Array,
  bytes: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(before.length + bytes.length);
  all.set(before);
  all.set(bytes, before.length);
  return all.slice(-MAX_STDERR_TAIL);
}

function endOf(
  status: Deno.CommandStatus,
  stderrTail: string,
): WorkerEnd {
  const { code, signal } = status;
  const exitStatus = signal === null ? `exit code ${code}` : `signal ${signal}`;
  const memory = readHeapDeath(status, stderrTail);
  return memory === undefined
    ? { exitStatus, stderrTail }
    : { exitStatus, stderrTail, memory };
}
