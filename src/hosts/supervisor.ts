import { workerBundle } from "../bundle/worker_bundle.ts";
import type { PoolSettings } from "../options/settings.ts";
import { Reaper } from "../spawner/reaper.ts";
import { Spawner } from "../spawner/spawner.ts";
import { WORKER_PROGRAM } from "../spawner/worker_program.ts";
import type { Address } from "../transport/address.ts";
import { makeSecret, PoolHandshake } from "../transport/handshake.ts";
import { ExpectedConnections } from "./expected_connections.ts";
import type { HostContext } from "./host_context.ts";
import type { HostSettings } from "../options/host_spec.ts";
import { Listeners } from "./listeners.ts";
import { LocalHost } from "./local/local_host.ts";
import { OutputLines } from "./output_lines.ts";
import { grantedBy } from "../options/worker_permissions.ts";
import { PrivateFolder } from "./private_folder.ts";
import { ServerHost } from "./server/server_host.ts";
import { SSH_PROGRAM, SshHost, type WorkerRequest } from "./ssh/ssh_host.ts";
import {
  type ConnectedWorker,
  type HostSupervision,
  SupervisedHost,
} from "./supervised_host.ts";

const SHUT_DOWN = "The pool was shut down";

/** What a supervisor tells the one that has made it. */
export interface SupervisorEvents {
  /** See {@linkcode HostSupervision.onWorker}. */
  readonly onWorker: (worker: ConnectedWorker) => Promise<void>;
  /** A host is lost, or its workers aren't replaced any more. */
  readonly onChanged: () => void;
}

/** Listens, starts workers on all hosts, and sees to it that they end. */
export class Supervisor {
  /** The hosts, once the pool is being started. */
  hosts: readonly SupervisedHost[] = [];

  readonly #settings: PoolSettings;
  readonly #expectedConnections = new ExpectedConnections();
  readonly #output: OutputLines;
  readonly #listeners: Listeners;
  #folder: PrivateFolder | undefined;
  #reaper: Reaper | undefined;
  #making: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  readonly #events: SupervisorEvents;

  /** Constructs a supervisor that has started nothing yet. */
  constructor(settings: PoolSettings, events: SupervisorEvents) {
    this.#settings = settings;
    this.#events = events;
    this.#output = new OutputLines(settings.stdio === "null");
    const handshake = new PoolHandshake(
      (number) => this.#expectedConnections.secretOf(number),
      { concurrency: settings.concurrency },
    );
    this.#listeners = new Listeners(handshake, this.#expectedConnections);
  }

  /**
   * Starts all workers and waits until they have connected.
   *
   * @throws {Error} If one of them couldn't be started or doesn't connect in
   * time; {@linkcode Supervisor.stop} is to be called then too.
   */
  async start(): Promise<ConnectedWorker[]> {
    if (this.#stopping !== undefined) throw new Error(SHUT_DOWN);
    this.#making = this.#makeHosts();
    await this.#making;
    if (this.#stopping !== undefined) throw new Error(SHUT_DOWN);
    const starts = this.hosts.map((host) => this.#startHost(host));
    const workers = (await Promise.all(starts)).flat();
    if (workers.length > 0) return workers;
    throw this.hosts.find(({ error }) => error !== undefined)?.error ??
      new Error("There is no host");
  }

  /** Ends what was started, and waits until it has ended. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    // Who has started is told what goes wrong.
    await this.#making?.catch(() => {});
    this.#listeners.close();
    await Promise.all(this.hosts.map((host) => host.stop()));
    await this.#reaper?.close();
    await this.#folder?.remove();
  }

  async #startHost(host: SupervisedHost): Promise<ConnectedWorker[]> {
    const { onHostError } = this.#settings;
    try {
      return await host.start();
    } catch (error) {
      host.error = error as Error;
      if (onHostError === "fail" || this.#stopping !== undefined) throw error;
      this.#output.report(
        "distex",
        `Going on without a host. ${host.error.message}`,
      );
      await host.stop();
      return [];
    }
  }

  async #makeHosts(): Promise<void> {
    const { workers, hosts } = this.#settings;
    const context = await this.#makeContext();
    const remote = hosts.map((host) => ({
      name: host.name,
      workers: host.workers,
      makeHost: () => this.#makeRemoteHost(host, context),
    }));
    const all = workers === 0 ? remote : [
      { name: "local", workers, makeHost: await this.#localHosts(context) },
      ...remote,
    ];
    this.hosts = all.map((place, index) => this.#superviseHost(place, index));
  }

  #superviseHost(
    place: Pick<HostSupervision, "name" | "workers" | "makeHost">,
    index: number,
  ): SupervisedHost {
    const { maxRestarts, startTimeout } = this.#settings;
    return new SupervisedHost({
      ...place,
      ...this.#events,
      index,
      maxRestarts,
      startTimeout,
      expectedConnections: this.#expectedConnections,
      onName: (worker, name) => this.#output.name(worker, name),
      onEnded: (worker) => this.#output.ended(worker),
      report: (line) => this.#output.report(place.name, line),
    });
  }

  async #makeContext(): Promise<HostContext> {
    const { config, heartbeatTimeout } = this.#settings;
    if (this.#needsFolder()) this.#folder = await PrivateFolder.make();
    const folder = this.#folder?.path;
    if (Reaper.isSupported) this.#reaper = new Reaper(folder);
    return {
      expectedConnections: this.#expectedConnections,
      reaper: this.#reaper,
      folder,
      address: await this.#listeners.listen(
        this.#folder === undefined
          ? { transport: "tcp", hostname: "127.0.0.1", port: 0 }
          : { transport: "unix", path: this.#folder.socketPath },
      ),
      listen: (address) => this.#listeners.listen(address),
      certificate: async () => (await this.#listeners.certificate()).cert,
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

  async #localHosts(context: HostContext): Promise<() => LocalHost> {
    const { workers, permissions, config, denoArgs, env, cwd, stdio } =
      this.#settings;
    const secret = makeSecret();
    const spawner = new Spawner({
      program: WORKER_PROGRAM,
      address: await this.#localAddress(context),
      secret,
      certificate: undefined,
      grants: grantedBy(permissions),
      config,
      denoArgs,
      env,
      cwd,
      onOutput: stdio === "inherit" ? undefined : context.onOutput,
    }, context.reaper);
    return () => new LocalHost(workers, secret, spawner);
  }

  /** Where workers on this machine connect to. */
  async #localAddress({ address, listen }: HostContext): Promise<Address> {
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
    context: HostContext,
  ): SshHost | ServerHost {
    const { permissions, denoArgs, env, token, listen } = this.#settings;
    const request: WorkerRequest = {
      grants: grantedBy(host.permissions ?? permissions),
      denoArgs: [...denoArgs, ...(host.denoArgs ?? [])],
      env: { ...env, ...host.env },
      ...(host.cwd === undefined ? {} : { cwd: host.cwd }),
    };
    return host.kind === "ssh"
      ? new SshHost(host, request, context)
      : new ServerHost(
        host,
        token,
        request,
        listen,
        context,
      );
  }
}
