import { HostError } from "../../errors/host_error.ts";
import type { HostSettings } from "../../options/host_spec.ts";
import { Child } from "../../spawner/child.ts";
import { formatAddress } from "../../transport/address.ts";
import { denoPath } from "../../util/deno_path.ts";
import { makeSecret } from "../../transport/secret.ts";
import type { PendingConnection } from "../pending_connections.ts";
import type { PoolServices, PoolSocket } from "../pool_services.ts";
import type {
  Connector,
  ConnectorFailure,
  SpawnerConnection,
  WorkerRequest,
} from "../remote/connector.ts";
import { explainSshFailure, type Fallback } from "./ssh_failure.ts";
import { sshCommand, sshFolder } from "./ssh_command.ts";
import { SshStderr } from "./ssh_stderr.ts";

/** The program that an ssh host runs. */
export const SSH_PROGRAM =
  new URL("../../spawner/ssh_program.ts", import.meta.url).href;

/** How long ssh may take to end by itself, in milliseconds. */
const STOP_TIMEOUT = 3_000;

/** How long ssh may take to end after SIGTERM, in milliseconds. */
const TERM_TIMEOUT = 1_000;

/** The exit code of ssh if ssh itself failed, not the command. */
const OWN_FAILURE = 255;

/**
 * Connects to a spawner on a machine that the `ssh` program can log in to.
 *
 * One ssh process makes a tunnel from a Unix socket there to the pool's socket,
 * sends the pool's program, and runs it there as a spawner.
 *
 * @see {@link https://man.openbsd.org/ssh#R OpenSSH, option -R}
 */
export class SshConnector implements Connector {
  readonly kind = "ssh";
  readonly secret = makeSecret();

  readonly #settings: HostSettings;
  readonly #request: WorkerRequest;
  readonly #services: PoolServices;
  readonly #lost = Promise.withResolvers<HostError>();
  readonly #closing = new AbortController();
  readonly #stderr: SshStderr;
  /** The folder on the other machine. */
  readonly #folder: string;
  #stage: "program" | "login" | "connected" = "program";
  #program: Promise<string> | undefined;
  #pending: PendingConnection | undefined;
  #child: Child | undefined;
  #ended: Promise<unknown> | undefined;

  /** Constructs a connector that does nothing yet. */
  constructor(
    settings: HostSettings,
    request: WorkerRequest,
    services: PoolServices,
  ) {
    this.#settings = settings;
    this.#request = request;
    this.#services = services;
    this.#stderr = new SshStderr((line) => {
      if (this.#stage === "connected") services.report(settings.name, line);
    });
    const random = crypto.getRandomValues(new Uint8Array(16)).toHex();
    this.#folder = sshFolder(settings, random);
  }

  /** Resolves to the reason when ssh has ended. */
  get lost(): Promise<HostError> {
    return this.#lost.promise;
  }

  async connect(timeout: number): Promise<SpawnerConnection> {
    const begin = performance.now();
    this.#program = this.#services.program(this.#closing.signal);
    const program = await this.#program;
    const socket = await this.#services.openSocket();
    this.#closing.signal.throwIfAborted();
    this.#stage = "login";
    const left = Math.max(1, timeout - (performance.now() - begin));
    const channel = await this.#login(
      new TextEncoder().encode(program),
      socket,
      left,
    );
    this.#stage = "connected";
    // The messages until now don't explain why ssh ends later.
    this.#stderr.clear();
    const path = `${this.#folder}/pool.sock`;
    const address = formatAddress({ transport: "unix", path });
    return { channel, request: { ...this.#request, address } };
  }

  explain(failure: ConnectorFailure): Error {
    switch (failure.code) {
      case "timeout":
        if (this.#stage === "program") return this.#noProgram(failure.timeout);
        return this.#explain({
          step: "spawner",
          reason:
            `the pool's program there has not connected back within the 'startTimeout' of ${failure.timeout} ms`,
        });
      case "failed":
        // The bundler on this machine failed, not the host.
        if (this.#stage === "program" && failure.cause instanceof Error) {
          return failure.cause;
        }
        return this.#explain({
          step: "spawner",
          reason:
            `the pool's program there has not connected back (${failure.cause})`,
        });
      case "closed":
        return this.#explain({
          step: "connection",
          reason: `the connection to it ended (${failure.cause ?? "closed"})`,
        });
    }
  }

  async close(reason: Error): Promise<void> {
    this.#closing.abort(reason);
    this.#pending?.cancel(reason);
    // The bundler may have to stop.
    await this.#program?.catch(() => {});
    if (this.#child === undefined) return;
    const child = this.#child;
    // ssh soon ends by itself, as the program there ends without the pool. If
    // ssh were killed before that program runs, sshd's sockets would be left.
    const timers = [
      setTimeout(() => child.killGroup("SIGTERM"), STOP_TIMEOUT),
      setTimeout(
        () => child.killGroup("SIGKILL"),
        STOP_TIMEOUT + TERM_TIMEOUT,
      ),
    ];
    await this.#ended;
    timers.forEach(clearTimeout);
  }

  /** Runs ssh, and waits until the program on the host has connected back. */
  #login(
    program: Uint8Array,
    socket: PoolSocket,
    timeout: number,
  ): PendingConnection["channel"] {
    const pending = this.#services.pendingConnections.add(this.secret);
    this.#pending = pending;
    const child = this.#spawn(
      sshCommand(this.#settings, {
        folder: this.#folder,
        socket,
        timeout,
        programLength: program.length,
        number: pending.number,
      }),
    );
    this.#child = child;
    this.#services.reaper?.watch(child, true);
    this.#ended = this.#stderr.read(child).then(({ code }) => {
      const failure = this.#explain(this.#fallback(code));
      pending.cancel(failure);
      this.#lost.resolve(failure);
    });
    child.endInput(`${this.secret.toHex()}\n`, program);
    return pending.channel;
  }

  #spawn([program, ...args]: string[]): Child {
    const { name } = this.#settings;
    try {
      return new Child(
        new Deno.Command(program!, {
          args,
          stdin: "piped",
          stdout: "null",
          stderr: "piped",
          // Ctrl-C in a terminal must reach the program, but not ssh.
          detached: true,
        }).spawn(),
      );
    } catch (cause) {
      throw new HostError(
        name,
        "connection",
        `Can't use the host ${name}: the program 'ssh' can't be run (${cause}); install the OpenSSH client, and allow Deno to run it: a list of --allow-run must include ssh, as in --allow-run=${denoPath()},sh,ssh`,
        { cause },
      );
    }
  }

  #noProgram(timeout: number): HostError {
    const { name } = this.#settings;
    return new HostError(
      name,
      "connection",
      `Can't use the host ${name}: the pool's program could not be made within the 'startTimeout' of ${timeout} ms; 'deno bundle' makes it on this machine and downloads esbuild from the npm registry once: make that registry reachable, set NPM_CONFIG_REGISTRY, or raise 'startTimeout'`,
    );
  }

  /** The failure for an exit code of ssh, if stderr doesn't explain it. */
  #fallback(code: number): Fallback {
    if (this.#stage === "connected") {
      return {
        step: "connection",
        reason: `the connection ended (ssh's exit code ${code})`,
      };
    }
    return code === OWN_FAILURE
      ? {
        step: "connection",
        reason:
          `ssh could not connect to ${this.#settings.name} (exit code ${code}): run 'ssh -v' in a terminal for details`,
      }
      : {
        step: "spawner",
        reason:
          `ssh ended (exit code ${code}) before the pool's program had connected: the user must be allowed to run commands over ssh, and deno must be able to run the program there`,
      };
  }

  #explain(fallback: Fallback): HostError {
    const { name } = this.#settings;
    return explainSshFailure(name, this.#stderr.text, fallback);
  }
}
