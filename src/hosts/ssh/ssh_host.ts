import { HostError } from "../../errors/host_error.ts";
import { kill, outputRead, type WorkerProcess } from "../../spawner/spawner.ts";
import { isTimeout, withinLimit } from "../../util/within_limit.ts";
import { type Address, formatAddress } from "../../transport/address.ts";
import type { Channel } from "../../transport/channel.ts";
import { makeSecret } from "../../transport/handshake.ts";
import type {
  MachineInfo,
  SessionRequest,
} from "../../protocol/spawner_messages.ts";
import type { ExpectedConnection } from "../expected_connections.ts";
import type { Host } from "../host.ts";
import type { HostContext } from "../host_context.ts";
import type { HostSettings } from "../../options/host_spec.ts";
import { RemoteSpawner } from "../remote/remote_spawner.ts";
import { explainSshFailure, type Otherwise } from "./ssh_failure.ts";
import { remoteCommand } from "./ssh_script.ts";

/** The program that an ssh host runs. */
export const SSH_PROGRAM =
  new URL("../../spawner/ssh_entry.ts", import.meta.url).href;

/** How often ssh asks the other side for a sign of life, in seconds. */
const ALIVE_INTERVAL = 5;

/** After how many questions without an answer it gives up. */
const ALIVE_COUNT = 3;

/** How long ssh may take to end by itself, in milliseconds. */
const STOP_TIMEOUT = 3_000;

/** How long it may take when it has been asked to, in milliseconds. */
const TERM_TIMEOUT = 1_000;

/** The exit code of ssh if it is ssh that failed, and not the command. */
const OWN_FAILURE = 255;

/** How many characters of what ssh says are kept to explain a failure. */
const MAX_WORDS = 8_192;

/** How much of a line of it is kept. */
const MAX_LINE = 4_096;

/** What ssh says of each probe of the lifeline. */
const PROBE = /^connect to .*\/nothing port -2 failed/;

/** What a worker over there is to be started with. */
export type WorkerRequest = Omit<SessionRequest, "address" | "certificate">;

/**
 * Workers on a machine that the `ssh` program can log in to.
 *
 * One ssh process makes a tunnel from a Unix socket over there to the pool's,
 * brings the pool's program along and runs it there as a spawner.
 *
 * @see {@link https://man.openbsd.org/ssh#R OpenSSH, option -R}
 */
export class SshHost implements Host {
  readonly kind = "ssh";
  readonly name: string;
  readonly secret = makeSecret();
  /** What is known of the machine, once the host is open. */
  machine: MachineInfo | undefined;

  readonly #settings: HostSettings;
  readonly #request: WorkerRequest;
  readonly #context: HostContext;
  readonly #lost = Promise.withResolvers<Error>();
  /** The folder over there. */
  readonly #folder: string;
  #words = "";
  #arrival: ExpectedConnection | undefined;
  #child: Deno.ChildProcess | undefined;
  #ended: Promise<Deno.CommandStatus> | undefined;
  #spawner: RemoteSpawner | undefined;
  readonly #closing = new AbortController();

  /** Constructs a host that does nothing yet. */
  constructor(
    settings: HostSettings,
    request: WorkerRequest,
    context: HostContext,
  ) {
    this.name = settings.name;
    this.#settings = settings;
    this.#request = request;
    this.#context = context;
    const random = crypto.getRandomValues(new Uint8Array(16)).toHex();
    this.#folder = `${settings.tmpdir ?? "/tmp"}/distex-${random}`;
  }

  /** Resolves to the reason when ssh has ended after the host was open. */
  get lost(): Promise<Error> {
    return this.#lost.promise;
  }

  /** The spawner over there, once the host is open. */
  get spawner(): RemoteSpawner {
    return this.#spawner!;
  }

  async open(timeout: number): Promise<number> {
    const begin = performance.now();
    const code = await this.#program(timeout);
    const left = Math.max(1, timeout - (performance.now() - begin));
    const arrival = this.#context.expectedConnections.expect(this.secret);
    this.#arrival = arrival;
    const child = this.#spawn(code.length, arrival.number, left);
    this.#ended = this.#watch(child);
    this.#ended.then(({ code }) => {
      const failure = this.#explain(this.#howEnded(code));
      arrival.fail(failure);
      this.#lost.resolve(failure);
    });
    feed(child, new TextEncoder().encode(`${this.secret.toHex()}\n`), code);
    try {
      const opening = arrival.channel.then((channel) => this.#greet(channel));
      this.machine = await withinLimit(opening, left);
      this.spawner.closed.then((reason) =>
        this.#lost.resolve(this.#explain({
          step: "connection",
          what: `the connection to it ended (${reason ?? "closed"})`,
        }))
      );
      // What was said before doesn't tell why it is lost later.
      this.#words = "";
    } catch (error) {
      // The program there, should it come later, isn't let in.
      arrival.fail(error as Error);
      if (error instanceof HostError || this.#closing.signal.aborted) {
        throw error;
      }
      const reason = isTimeout(error)
        ? `within the 'startTimeout' of ${timeout} ms`
        : `(${error})`;
      throw this.#explain({
        step: "spawner",
        what: `the pool's program there has not connected back ${reason}`,
      });
    }
    return this.#settings.workers || this.machine.cpus;
  }

  start(worker: number): WorkerProcess {
    return this.spawner.start(worker);
  }

  async close(): Promise<void> {
    const reason = new Error("The pool was shut down");
    this.#closing.abort(reason);
    this.#arrival?.fail(reason);
    this.#spawner?.close();
    if (this.#child === undefined) return;
    const child = this.#child;
    // Whatever it is doing, it ends soon, as nobody answers any more. If it
    // were killed before the command runs over there, nobody would remove the
    // sockets that sshd has made.
    const timers = [
      setTimeout(() => signalAll(child, "SIGTERM"), STOP_TIMEOUT),
      setTimeout(
        () => signalAll(child, "SIGKILL"),
        STOP_TIMEOUT + TERM_TIMEOUT,
      ),
    ];
    await this.#ended;
    timers.forEach(clearTimeout);
  }

  /** The program to be sent, which is made if it hasn't been yet. */
  async #program(timeout: number): Promise<Uint8Array<ArrayBuffer>> {
    const { signal } = this.#closing;
    const late = AbortSignal.timeout(timeout);
    try {
      const code = await this.#context.program(AbortSignal.any([signal, late]));
      signal.throwIfAborted();
      return new TextEncoder().encode(code);
    } catch (cause) {
      if (cause !== late.reason) throw cause;
      throw new HostError(
        this.name,
        "connection",
        `Can't use the host ${this.name}: the pool's program could not be made within the 'startTimeout' of ${timeout} ms; 'deno bundle' makes it on this machine, for which it gets esbuild from the npm registry once: make that reachable or set NPM_CONFIG_REGISTRY, or give it more time`,
        { cause },
      );
    }
  }

  /** Tells the program over there what workers are to be. */
  #greet(channel: Channel): Promise<MachineInfo> {
    const { onOutput, heartbeatTimeout } = this.#context;
    const path = `${this.#folder}/pool.sock`;
    this.#spawner = new RemoteSpawner(channel, onOutput, heartbeatTimeout);
    return this.#spawner.open({
      ...this.#request,
      address: formatAddress({ transport: "unix", path }),
    });
  }

  #spawn(
    programLength: number,
    number: number,
    timeout: number,
  ): Deno.ChildProcess {
    const { hostname, deno = "" } = this.#settings;
    const command = remoteCommand(this.#folder, deno, programLength, number);
    try {
      this.#child = new Deno.Command("ssh", {
        args: [...this.#arguments(timeout), "--", hostname, command],
        stdin: "piped",
        stdout: "null",
        stderr: "piped",
        // Ctrl-C in a terminal is for the program, not for its connections.
        detached: true,
      }).spawn();
    } catch (cause) {
      throw new HostError(
        this.name,
        "connection",
        `Can't use the host ${this.name}: the program 'ssh' can't be run (${cause}); install OpenSSH's client, and run with --allow-run`,
        { cause },
      );
    }
    this.#child.unref();
    this.#context.reaper?.watch(this.#child, true);
    return this.#child;
  }

  #arguments(timeout: number): string[] {
    const { username, port, identity, sshArgs = [] } = this.#settings;
    const { address, folder } = this.#context;
    // Nothing is there: a connection to it ends as soon as it has come through.
    const nothing = `${folder}/nothing`;
    const options = [
      "BatchMode=yes",
      "ExitOnForwardFailure=yes",
      // A little less, so that ssh can say what it was that took so long.
      `ConnectTimeout=${Math.max(1, Math.ceil(timeout / 1_000) - 1)}`,
      `ServerAliveInterval=${ALIVE_INTERVAL}`,
      `ServerAliveCountMax=${ALIVE_COUNT}`,
      "ControlMaster=no",
      "ControlPath=none",
      "PermitLocalCommand=no",
      "RemoteCommand=none",
    ];
    return [
      // Of each option ssh takes the first value it finds.
      ...sshArgs,
      "-Tax",
      ...options.flatMap((option) => ["-o", option]),
      ...(username === undefined ? [] : ["-l", username]),
      ...(port === undefined ? [] : ["-p", String(port)]),
      ...(identity === undefined ? [] : identityArguments(identity)),
      "-R",
      `${this.#folder}.sock:${forwardTarget(address)}`,
      "-R",
      `${this.#folder}.probe:${forwardPath(nothing)}`,
    ];
  }

  /** Reads what ssh says until it has ended. */
  #watch(child: Deno.ChildProcess): Promise<Deno.CommandStatus> {
    const reader = child.stderr.getReader();
    return outputRead(child, [reader], this.#read(reader));
  }

  async #read(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for (let read; !(read = await reader.read()).done;) {
      const text = decoder.decode(read.value, { stream: true });
      const [first, ...others] = text.split("\n");
      // A line may never end.
      const lines = [rest + first, ...others]
        .map((line) => line.slice(0, MAX_LINE));
      rest = lines.pop()!;
      this.#hear(lines);
    }
    if (rest !== "") this.#hear([rest]);
  }

  #hear(lines: readonly string[]): void {
    const said = lines.map((line) => line.trimEnd())
      .filter((line) => !PROBE.test(line));
    if (said.length === 0) return;
    this.#words = `${this.#words}${said.join("\n")}\n`.slice(-MAX_WORDS);
    if (this.#spawner === undefined) return;
    for (const line of said) this.#context.report(this.name, line);
  }

  /** What there is to say of an end that ssh doesn't explain. */
  #howEnded(code: number): Otherwise {
    if (this.#spawner !== undefined) {
      return {
        step: "connection",
        what: `the connection ended (ssh's exit code ${code})`,
      };
    }
    return code === OWN_FAILURE
      ? {
        step: "connection",
        what:
          `ssh could not connect to ${this.name} (exit code ${code}): 'ssh -v' in a terminal says more`,
      }
      : {
        step: "spawner",
        what:
          `ssh ended (exit code ${code}) before the pool's program had connected: the user must be able to run commands by ssh, and deno to run the program there`,
      };
  }

  #explain(otherwise: Otherwise): HostError {
    return explainSshFailure(this.name, this.#words, otherwise);
  }
}

/**
 * A percent sign begins a token, and `-i` takes no file whose name it would have
 * to find behind one.
 */
function identityArguments(path: string): string[] {
  if (!path.includes("%")) return ["-i", path];
  const quoted = path.replaceAll("%", "%%").replace(/["\\]/g, "\\$&");
  return ["-o", `IdentityFile="${quoted}"`];
}

function forwardTarget(address: Address): string {
  return address.transport === "unix"
    ? forwardPath(address.path)
    : `${address.hostname}:${address.port}`;
}

/** A path as `-R` takes it: a colon would end it, a percent sign begins a token. */
function forwardPath(path: string): string {
  return path.replace(/[\\:]/g, "\\$&").replaceAll("%", "%%");
}

/** Signals ssh and what it has started, such as a `ProxyCommand`. */
function signalAll(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    // As it is detached, they are a process group.
    Deno.kill(-child.pid, signal);
  } catch {
    // There are none on Windows, and this needs --allow-run for all programs.
    kill(child, signal);
  }
}

async function feed(
  child: Deno.ChildProcess,
  ...pieces: Uint8Array<ArrayBuffer>[]
): Promise<void> {
  const writer = child.stdin.getWriter();
  try {
    for (const piece of pieces) await writer.write(piece);
    await writer.close();
  } catch {
    // It has ended already, which is noticed as such.
  }
}
