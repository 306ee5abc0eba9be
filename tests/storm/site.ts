/**
 * The places where a storm's workers run, all of them on this machine: the
 * pool's own process, an ssh server and a spawner server.
 *
 * @module
 */

import type { HostOptions } from "../../mod.ts";
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
import {
  markedEnv,
  markedProcesses,
  markProcesses,
  type Process,
} from "./processes.ts";

/** How many workers each place has. */
const WORKERS = 2;

/** How the folders of spawner servers are called, which aren't the pool's. */
const SERVER_FOLDER = "/distex-server-";

/**
 * What sshd leaves when the connection ends before the shell over there has
 * begun: no one of the pool's was there to remove the sockets of the tunnel.
 */
const ABANDONED_SOCKET = /\/distex-[0-9a-f]+\.(sock|probe)$/;

/** How often a server that is started again may find its port taken. */
const MAX_TRIES = 20;

/** Where workers run, and what can be done to them. */
export class StormSite implements AsyncDisposable {
  /** Where temporary files go, here and over ssh. */
  readonly folder: string;
  /** Where tasks leave notes. */
  readonly notes: string;
  /** Of which some can be cut off. */
  readonly network: Network | undefined;

  /** Removes the folder, should this process be killed. */
  readonly #reaper: Reaper;
  readonly #temp: string;
  readonly #sshTemp: string;
  #ssh: SshServer | undefined;
  #server!: SpawnerServerProcess;
  /** What belongs to the site itself. */
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
  static async start(isNetworked: boolean): Promise<StormSite> {
    const folder = await Deno.makeTempDir({ prefix: "distex-storm-" });
    const network = isNetworked ? await makeNetwork(2) : undefined;
    const site = new StormSite(folder, network);
    try {
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
    // From now on temporary files are the pool's.
    Deno.env.set("TMPDIR", this.#temp);
  }

  /** The other machines. */
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

  /** How many workers run on this machine. */
  readonly workers: number = WORKERS;

  /** The host of the ssh server, if it can be cut off. */
  get sshHost(): NetworkHost & { namespace: string } | undefined {
    return this.network?.hosts[0] as NetworkHost & { namespace: string };
  }

  /** The host of the spawner server, if it can be cut off. */
  get serverHost(): NetworkHost | undefined {
    return this.network?.hosts[1];
  }

  /** All workers. */
  allWorkers(): Process[] {
    return this.#processes(({ command }) => / --worker \d/.test(command));
  }

  /** The `ssh` of this side. */
  sshClients(): Process[] {
    return this.#processes(({ name, parent }) =>
      name === "ssh" && parent === Deno.pid
    );
  }

  /** What starts workers over there. */
  sshSpawners(): Process[] {
    return this.#processes(({ name, command }) =>
      name === "deno" && / --folder .* --number /.test(command)
    );
  }

  /** What starts workers at the spawner server. */
  spawnerServers(): Process[] {
    return this.#processes(({ pid }) => pid === this.#server.pid);
  }

  /** The processes that are the pool's, and those of its workers. */
  poolProcesses(): Process[] {
    const server = this.#server.pid;
    return this.#processes(({ pid, parent, name, command }) =>
      pid !== Deno.pid && pid !== server && !this.#own.has(pid) &&
      // The guards of the server and of its workers.
      !command.includes(SERVER_FOLDER) && !(parent === server && name === "sh")
    );
  }

  /** The temporary files that are the pool's, here and there. */
  poolFiles(): string[] {
    return [this.#temp, this.#sshTemp].flatMap((folder) =>
      [...Deno.readDirSync(folder)].map(({ name }) => `${folder}/${name}`)
    ).filter((path) =>
      !path.includes(SERVER_FOLDER) && !ABANDONED_SOCKET.test(path)
    );
  }

  /** Ends what sshd does for the pool. */
  async killSessions(): Promise<void> {
    await this.#ssh?.killSessions();
  }

  /** Ends the spawner server, and has another one take its place. */
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
    // The reaper's process doesn't keep this one alive until it has ended.
    const keepAlive = new KeepAlive();
    keepAlive.hold();
    await this.#restarting.catch(() => {});
    await this.#ssh?.stop();
    await (this.#server as SpawnerServerProcess | undefined)
      ?.[Symbol.asyncDispose]();
    await this.network?.[Symbol.asyncDispose]();
    await this.#reaper.close();
    keepAlive.close();
  }
}
