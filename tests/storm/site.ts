/**
 * The places where a storm's workers run, all on this machine: as children of
 * the pool's process, over an ssh server, and on a spawner server.
 *
 * @module
 */

import type { HostOptions, HostSpec } from "../../mod.ts";
import { KeepAlive } from "../../src/util/keep_alive.ts";
import { Reaper } from "../../src/spawner/reaper.ts";
import {
  makeNetwork,
  type Network,
  type NetworkHost,
} from "../helpers/network.ts";
import {
  type SpawnerServerProcess,
  startSpawnerServer,
  TOKEN,
} from "../helpers/spawner_server.ts";
import {
  sshdProblem,
  type SshServer,
  startSshServer,
} from "../helpers/ssh_server.ts";
import { Clusters } from "./clusters.ts";
import {
  markedEnv,
  markedProcesses,
  markProcesses,
  type Process,
} from "./processes.ts";
import type { Disturbed } from "./plan.ts";

/** The number of workers at each place. */
const WORKERS = 2;

/** The name of a spawner server's folder, which doesn't belong to the pool. */
const SERVER_FOLDER = "/distex-server-";

/**
 * The sockets of a tunnel that sshd leaves if the connection ends before the
 * remote shell starts, which would remove them.
 */
const ABANDONED_SOCKET = /\/distex-[0-9a-f]+\.(sock|probe)$/;

/** How often a restarted server may find its port in use. */
const MAX_TRIES = 20;

/** The places where workers run, and the ways to disturb them. */
export class StormSite implements AsyncDisposable {
  /** The folder of temporary files, here and over ssh. */
  readonly folder: string;
  /** The folder where tasks leave notes. */
  readonly notes: string;
  /** The network, if hosts can be cut off. */
  readonly network: Network | undefined;
  /** The clusters, if there are any. */
  clusters: Clusters | undefined;

  /** Removes the folder if this process is killed. */
  readonly #reaper: Reaper;
  readonly #temp: string;
  readonly #sshTemp: string;
  #ssh: SshServer | undefined;
  #server!: SpawnerServerProcess;
  /** The processes of the site itself. */
  #own = new Set<number>();
  #restarting: Promise<void> = Promise.resolve();

  private constructor(folder: string, network: Network | undefined) {
    this.folder = folder;
    this.#reaper = new Reaper(folder);
    this.network = network;
    this.notes = `${folder}/notes`;
    this.#temp = `${folder}/here`;
    this.#sshTemp = `${folder}/there`;
  }

  /** Starts the servers. */
  static async start(
    { network: isNetworked, clusters: hasClusters }: Disturbed,
  ): Promise<StormSite> {
    const folder = await Deno.makeTempDir({ prefix: "distex-storm-" });
    const network = isNetworked ? await makeNetwork(2) : undefined;
    const site = new StormSite(folder, network);
    try {
      if (hasClusters) site.clusters = await Clusters.start();
      await site.#start();
      return site;
    } catch (error) {
      await site[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #start(): Promise<void> {
    for (const path of [this.notes, this.#temp, this.#sshTemp]) {
      await Deno.mkdir(path);
    }
    markProcesses(this.folder);
    if (sshdProblem === undefined) {
      const host = this.sshHost;
      this.#ssh = await startSshServer({
        env: markedEnv(this.folder),
        ...(host === undefined ? {} : host),
      });
    }
    this.#server = await this.#startServer("0");
    this.#own = new Set(markedProcesses(this.folder).map(({ pid }) => pid));
    // Temporary files from here on belong to the pool.
    Deno.env.set("TMPDIR", this.#temp);
  }

  /** The options for the remote hosts. */
  get hosts(): HostOptions[] {
    const ssh = this.#ssh;
    return [
      ...(ssh === undefined ? [] : [{
        host: ssh.spec(WORKERS),
        name: "ssh",
        sshArgs: ssh.sshArgs,
        tmpdir: this.#sshTemp,
      }]),
      { host: this.#server.spec(WORKERS), name: "server", token: TOKEN },
    ];
  }

  /** A host with a worker of its own, which comes and goes. */
  get guest(): Extract<HostSpec, { readonly host: string }> {
    return { host: this.#server.spec(1), token: TOKEN };
  }

  /** The number of local workers; with clusters, it changes with the work. */
  get workers(): number | { min: number; max: number; idle: number } {
    if (this.clusters === undefined) return WORKERS;
    return { min: 1, max: 2 * WORKERS, idle: 500 };
  }

  /** The environment of the workers, which marks those of clusters. */
  get env(): Record<string, string> {
    return markedEnv(this.folder);
  }

  /** The host of the ssh server, if it can be cut off. */
  get sshHost(): NetworkHost & { namespace: string } | undefined {
    return this.network?.hosts[0] as NetworkHost & { namespace: string };
  }

  /** The host of the spawner server, if it can be cut off. */
  get serverHost(): NetworkHost | undefined {
    return this.network?.hosts[1];
  }

  /** Returns all workers. */
  allWorkers(): Process[] {
    return this.#processes(({ command }) => / --worker \d/.test(command));
  }

  /** Returns the local `ssh` processes. */
  sshClients(): Process[] {
    return this.#processes(({ name, parent }) =>
      name === "ssh" && parent === Deno.pid
    );
  }

  /** Returns the spawners on the ssh host. */
  sshSpawners(): Process[] {
    return this.#processes(({ name, command }) =>
      name === "deno" && / --folder .* --number /.test(command)
    );
  }

  /** Returns the processes of the spawner server. */
  spawnerServers(): Process[] {
    return this.#processes(({ pid }) => pid === this.#server.pid);
  }

  /** Returns the processes of the pool and its workers. */
  poolProcesses(): Process[] {
    const server = this.#server.pid;
    return this.#processes(({ pid, parent, name, command }) =>
      pid !== Deno.pid && pid !== server && !this.#own.has(pid) &&
      // The reapers of the server and its workers.
      !command.includes(SERVER_FOLDER) && !(parent === server && name === "sh")
    );
  }

  /** Returns the temporary files of the pool. */
  poolFiles(): string[] {
    return [this.#temp, this.#sshTemp].flatMap((folder) =>
      [...Deno.readDirSync(folder)].map(({ name }) => `${folder}/${name}`)
    ).filter((path) =>
      !path.includes(SERVER_FOLDER) && !ABANDONED_SOCKET.test(path)
    );
  }

  /** Ends the sessions of sshd. */
  async killSessions(): Promise<void> {
    await this.#ssh?.killSessions();
  }

  /** Replaces the spawner server by a new one. */
  restartServer(pause: () => Promise<unknown>): Promise<void> {
    const restart = async () => {
      const { port } = this.#server;
      await this.#server[Symbol.asyncDispose]();
      await pause();
      this.#server = await this.#startServer(String(port));
    };
    this.#restarting = this.#restarting.then(restart);
    return this.#restarting;
  }

  async #startServer(port: string): Promise<SpawnerServerProcess> {
    const host = this.serverHost;
    const options = {
      token: TOKEN,
      args: ["--port", port],
      ...(host === undefined ? {} : { host }),
    };
    for (let tries = 1;; tries++) {
      try {
        return await startSpawnerServer(options);
      } catch (error) {
        const isTaken = /in use/.test(String(error));
        if (!isTaken || tries === MAX_TRIES) throw error;
      }
    }
  }

  #processes(isWanted: (process: Process) => boolean): Process[] {
    return markedProcesses(this.folder).filter(isWanted);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The reaper's process doesn't keep this one alive.
    const keepAlive = new KeepAlive();
    keepAlive.hold();
    await this.#restarting.catch(() => {});
    await this.#ssh?.stop();
    await (this.#server as SpawnerServerProcess | undefined)
      ?.[Symbol.asyncDispose]();
    await this.network?.[Symbol.asyncDispose]();
    await this.clusters?.[Symbol.asyncDispose]();
    await this.#reaper.close();
    keepAlive.close();
  }
}
