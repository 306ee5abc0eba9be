import { StoredBundle } from "../../bundle/stored_bundle.ts";
import { workerBundle } from "../../bundle/worker_bundle.ts";
import { PoolClosedError } from "../../errors/pool_closed_error.ts";
import type { HostSettings } from "../../options/host_spec.ts";
import type { PoolSettings } from "../../options/settings.ts";
import { grantedBy } from "../../options/worker_permissions.ts";
import { admitWorker } from "../../protocol/worker_handshake.ts";
import { Reaper } from "../../spawner/reaper.ts";
import { WorkerLauncher } from "../../spawner/worker_launcher.ts";
import { WORKER_PROGRAM } from "../../spawner/worker_program.ts";
import type { Address } from "../../transport/address.ts";
import { makeSecret } from "../../transport/secret.ts";
import { pause } from "../../util/pause.ts";
import { LocalHost } from "../local/local_host.ts";
import { OutputLines } from "../output_lines.ts";
import { PendingConnections } from "../pending_connections.ts";
import { PoolAddresses } from "../pool_addresses.ts";
import type { PoolServices } from "../pool_services.ts";
import { PrivateFolder } from "../private_folder.ts";
import type { Connector, WorkerRequest } from "../remote/connector.ts";
import { RemoteHost } from "../remote/remote_host.ts";
import { ServerConnector } from "../server/server_connector.ts";
import { SSH_PROGRAM, SshConnector } from "../ssh/ssh_connector.ts";
import {
  type ConnectedWorker,
  type SupervisorOptions,
  WorkerSupervisor,
} from "../worker_supervisor.ts";

/** How many local workers are worth a bundle even for a short program. */
const MANY_WORKERS = 8;

/**
 * How long a pool with fewer workers runs before it makes a bundle for later
 * pools, in milliseconds. A shorter program ends before the bundle is complete.
 */
const BUNDLE_DELAY = 2_000;

/** The events of a pool's hosts. */
export interface HostEvents {
  /** See {@linkcode SupervisorOptions.onWorker}. */
  readonly onWorker: (worker: ConnectedWorker) => Promise<void>;
  /** Called when a host is lost, or its workers aren't replaced any more. */
  readonly onChanged: () => void;
}

/** Manages all hosts of a pool: listens, and starts and ends their workers. */
export class HostManager {
  /** The hosts; empty until {@linkcode HostManager.start} has made them. */
  hosts: readonly WorkerSupervisor[] = [];

  readonly #settings: PoolSettings;
  readonly #pendingConnections = new PendingConnections();
  readonly #output: OutputLines;
  readonly #addresses: PoolAddresses;
  #folder: PrivateFolder | undefined;
  #cleaning: Promise<void> | undefined;
  #reaper: Reaper | undefined;
  #making: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  /** The bundle that is made for later pools, if it is missing. */
  #missingBundle: StoredBundle | undefined;
  #bundling: Promise<void> | undefined;
  readonly #stopped = new AbortController();
  readonly #events: HostEvents;

  /** Constructs a manager that has started nothing yet. */
  constructor(settings: PoolSettings, events: HostEvents) {
    this.#settings = settings;
    this.#events = events;
    this.#output = new OutputLines(settings.stdio === "null");
    const { concurrency, codec } = settings;
    const pending = this.#pendingConnections;
    this.#addresses = new PoolAddresses({
      authenticate: (connection) =>
        admitWorker(
          connection,
          (worker) => pending.secretOf(worker),
          { concurrency, codec },
        ),
      onChannel: (worker, channel) => pending.resolve(worker, channel),
      expected: () => pending.size,
    });
  }

  /**
   * Starts all workers and waits until they have connected.
   *
   * @throws {Error} If a worker can't be started or doesn't connect in time.
   * Call {@linkcode HostManager.stop} even then.
   */
  async start(): Promise<ConnectedWorker[]> {
    if (this.#stopping !== undefined) throw new PoolClosedError();
    this.#making = this.#makeHosts();
    await this.#making;
    if (this.#stopping !== undefined) throw new PoolClosedError();
    const starts = this.hosts.map((host) => this.#startHost(host));
    const workers = (await Promise.all(starts)).flat();
    // The workers run without it, so it doesn't matter if this fails.
    this.#bundling = this.#makeBundle().catch(() => {});
    if (workers.length > 0) return workers;
    throw this.hosts.find(({ error }) => error !== undefined)?.error ??
      new Error("There is no host");
  }

  /** Kills all workers; {@linkcode HostManager.stop} ends the rest. */
  kill(): void {
    for (const host of this.hosts) host.kill();
  }

  /** Ends everything that was started, and waits until it has ended. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#stopped.abort();
    // start() throws the error.
    await this.#making?.catch(() => {});
    this.#addresses.close();
    await Promise.all(this.hosts.map((host) => host.stop()));
    await this.#reaper?.close();
    await this.#cleaning;
    await this.#bundling;
    await this.#folder?.remove();
  }

  async #startHost(host: WorkerSupervisor): Promise<ConnectedWorker[]> {
    const { onHostError } = this.#settings;
    try {
      return await host.start();
    } catch (error) {
      host.error = error as Error;
      if (onHostError === "fail" || this.#stopping !== undefined) throw error;
      this.#output.report(
        "distex",
        `Continuing without a host. ${host.error.message}`,
      );
      await host.stop();
      return [];
    }
  }

  async #makeHosts(): Promise<void> {
    const { workers, hosts } = this.#settings;
    const bundle = workers === 0 ? undefined : this.#findBundle();
    const services = await this.#makeServices();
    const remote = hosts.map((host) => ({
      name: host.name,
      workers: host.workers,
      makeHost: () => this.#makeRemoteHost(host, services),
    }));
    const all = workers === 0 ? remote : [
      {
        name: "local",
        workers,
        makeHost: await this.#localHosts(services, await bundle),
      },
      ...remote,
    ];
    this.hosts = all.map((place, index) => this.#superviseHost(place, index));
  }

  #superviseHost(
    place: Pick<SupervisorOptions, "name" | "workers" | "makeHost">,
    index: number,
  ): WorkerSupervisor {
    const { maxRestarts, startTimeout, codec } = this.#settings;
    return new WorkerSupervisor({
      ...place,
      ...this.#events,
      index,
      maxRestarts,
      startTimeout,
      codec,
      pendingConnections: this.#pendingConnections,
      onName: (worker, name) => this.#output.name(worker, name),
      onEnded: (worker) => this.#output.ended(worker),
      report: (line) => this.#output.report(place.name, line),
    });
  }

  async #makeServices(): Promise<PoolServices> {
    const { config, heartbeatTimeout } = this.#settings;
    if (this.#needsFolder()) {
      this.#folder = await PrivateFolder.make();
      // The pool works even if it can't remove what other programs left.
      this.#cleaning = this.#folder.removeAbandoned().catch(() => {});
    }
    const folder = this.#folder?.path;
    if (Reaper.isSupported) this.#reaper = new Reaper(folder);
    return {
      pendingConnections: this.#pendingConnections,
      reaper: this.#reaper,
      folder,
      address: await this.#addresses.listen(
        this.#folder === undefined
          ? { transport: "tcp", hostname: "127.0.0.1", port: 0 }
          : { transport: "unix", path: this.#folder.socketPath },
      ),
      listen: (address) => this.#addresses.listen(address),
      certificate: async () => (await this.#addresses.certificate()).cert,
      program: (signal) => workerBundle(SSH_PROGRAM, config, signal),
      heartbeatTimeout,
      onOutput: (...output) => this.#output.write(...output),
      report: (host, line) => this.#output.report(host, line),
    };
  }

  /** Whether workers connect over a Unix socket, from here or an ssh host. */
  #needsFolder(): boolean {
    if (Deno.build.os === "windows") return false;
    const { transport, workers, hosts } = this.#settings;
    return workers > 0 && transport === "unix" ||
      hosts.some(({ kind }) => kind === "ssh");
  }

  async #localHosts(
    services: PoolServices,
    bundle: string | undefined,
  ): Promise<() => LocalHost> {
    const { workers, permissions, config, denoArgs, env, cwd, stdio } =
      this.#settings;
    const secret = makeSecret();
    const launcher = new WorkerLauncher({
      program: WORKER_PROGRAM,
      bundle,
      address: await this.#localAddress(services),
      secret,
      certificate: undefined,
      grants: grantedBy(permissions),
      config,
      denoArgs,
      env,
      cwd,
      onOutput: stdio === "inherit" ? undefined : services.onOutput,
    }, services.reaper);
    return () => new LocalHost(workers, secret, launcher);
  }

  /** Looks for the workers' program in one file; see {@linkcode StoredBundle}. */
  async #findBundle(): Promise<string | undefined> {
    const bundle = new StoredBundle(WORKER_PROGRAM, this.#settings.config);
    const path = await bundle.find();
    if (path === undefined) this.#missingBundle = bundle;
    return path;
  }

  /** Makes the bundle for later pools if it is missing. */
  async #makeBundle(): Promise<void> {
    if (this.#missingBundle === undefined) return;
    const { signal } = this.#stopped;
    if (this.#settings.workers < MANY_WORKERS) {
      await pause(BUNDLE_DELAY, signal);
    }
    await this.#missingBundle.make(signal);
  }

  /** The address that workers on this machine connect to. */
  async #localAddress({ address, listen }: PoolServices): Promise<Address> {
    const { transport, listen: { hostname = "127.0.0.1", port } } =
      this.#settings;
    if (transport === "unix") return address;
    return await listen({
      transport: "tcp",
      hostname,
      port,
    });
  }

  #makeRemoteHost(
    host: HostSettings,
    services: PoolServices,
  ): RemoteHost {
    const { permissions, denoArgs, env, token, listen } = this.#settings;
    const request: WorkerRequest = {
      grants: grantedBy(host.permissions ?? permissions),
      denoArgs: [...denoArgs, ...(host.denoArgs ?? [])],
      env: { ...env, ...host.env },
      ...(host.cwd === undefined ? {} : { cwd: host.cwd }),
    };
    const connector: Connector = host.kind === "ssh"
      ? new SshConnector(host, request, services)
      : new ServerConnector(
        host,
        token,
        request,
        listen,
        services,
      );
    return new RemoteHost(host, connector, services);
  }
}
