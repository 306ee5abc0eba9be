import { workerBundle } from "../../bundle/worker_bundle.ts";
import { PoolClosedError } from "../../errors/pool_closed_error.ts";
import type { PoolSettings } from "../../options/pool_settings.ts";
import { admitDialer } from "../../protocol/admit_dialer.ts";
import { Reaper } from "../../spawner/reaper.ts";
import { AGENT_PROGRAM } from "../../spawner/worker_program.ts";
import type { AgentGroups } from "../agent_groups.ts";
import type { OutputLines } from "../output_lines.ts";
import type { PendingConnections } from "../pending_connections.ts";
import { PoolAddresses } from "../pool_addresses.ts";
import type { PoolServices, PoolSocket } from "../pool_services.ts";
import { PrivateFolder } from "../private_folder.ts";
import { SSH_PROGRAM } from "../ssh/ssh_connector.ts";

/**
 * What the hosts of a pool share: its listeners, its private folder, and the
 * reaper. Each is made when a host needs it.
 */
export class PoolResources {
  /** What hosts use. */
  readonly services: PoolServices;

  readonly #addresses: PoolAddresses;
  readonly #reaper: Reaper | undefined;
  #socket: Promise<PoolSocket> | undefined;
  #folder: PrivateFolder | undefined;
  #cleaning: Promise<void> | undefined;
  #isClosed = false;

  /**
   * Starts the reaper.
   *
   * @throws {Error} If `sh` can't be run.
   */
  constructor(
    settings: PoolSettings,
    pending: PendingConnections,
    groups: AgentGroups,
    output: OutputLines,
  ) {
    const { concurrency, codec, outputCalls } = settings;
    const { config, heartbeatTimeout } = settings;
    this.#addresses = new PoolAddresses({
      authenticate: (connection) =>
        admitDialer(
          connection,
          {
            ofWorker: (worker) => pending.secretOf(worker),
            ofGroup: (group) => groups.secretOf(group),
          },
          { concurrency, codec, outputCalls },
        ),
      onChannel: (dialer, channel) => {
        if (dialer.kind === "worker") pending.resolve(dialer.number, channel);
        else groups.resolve(dialer.group, channel, dialer.secret);
      },
      expected: () => pending.size + groups.expected,
    });
    this.#reaper = Reaper.isSupported ? new Reaper(undefined) : undefined;
    this.services = {
      pendingConnections: pending,
      reaper: this.#reaper,
      openSocket: () => this.#openSocket(),
      listen: (address) => this.#addresses.listen(address),
      admit: (connection) => this.#addresses.admit(connection),
      certificate: async () => (await this.#addresses.certificate()).cert,
      program: (signal) => workerBundle(SSH_PROGRAM, config, signal),
      agentProgram: (signal) => workerBundle(AGENT_PROGRAM, config, signal),
      heartbeatTimeout,
      onOutput: (...piece) => output.write(...piece),
      report: (host, line) => output.report(host, line),
    };
  }

  /** Stops listening. */
  stopListening(): void {
    this.#isClosed = true;
    this.#addresses.close();
  }

  /** Ends the reaper and removes the folder, once all hosts have stopped. */
  async close(): Promise<void> {
    await this.#socket?.catch(() => {});
    await this.#reaper?.close();
    await this.#cleaning;
    await this.#folder?.remove();
  }

  #openSocket(): Promise<PoolSocket> {
    this.#socket ??= this.#listenOnSocket();
    return this.#socket;
  }

  async #listenOnSocket(): Promise<PoolSocket> {
    if (this.#isClosed) throw new PoolClosedError();
    if (Deno.build.os === "windows") {
      const address = await this.#addresses.listen(ANY_LOCAL_PORT);
      return { address, folder: undefined };
    }
    this.#folder = await PrivateFolder.make();
    const { path, socketPath } = this.#folder;
    this.#reaper?.atEnd()(["rm", "-rf", path]);
    // The pool works even if it can't remove what other programs left.
    this.#cleaning = this.#folder.removeAbandoned().catch(() => {});
    const address = await this.#addresses.listen({
      transport: "unix",
      path: socketPath,
    });
    return { address, folder: path };
  }
}

const ANY_LOCAL_PORT = {
  transport: "tcp",
  hostname: "127.0.0.1",
  port: 0,
} as const;
