/**
 * An ssh server with its own folder for temporary files, which shows what pools
 * leave there.
 *
 * @module
 */

import { assert } from "@std/assert";
import type { HostOptions, PoolOptions } from "../../mod.ts";
import { isAlive, killAll, killNow, until } from "./processes.ts";
import {
  sshdProblem,
  type SshServer,
  type SshServerOptions,
  startSshServer,
} from "./ssh_server.ts";

/** The names of pools' temporary files on both machines. */
const POOL_FILE = /^distex-(?!sshd-)/;

/** A machine that pools reach by ssh. */
export class SshSite implements AsyncDisposable {
  /** The ssh server. */
  readonly server: SshServer;
  /** The folder for temporary files there. */
  readonly tmpdir: string;

  private constructor(server: SshServer) {
    this.server = server;
    this.tmpdir = `${server.folder}/t`;
  }

  /** Starts the server. */
  static async start(options?: SshServerOptions): Promise<SshSite> {
    const site = new SshSite(await startElsewhere(options));
    await Deno.mkdir(site.tmpdir);
    return site;
  }

  /** Returns the site as a pool's host. */
  host(workers = 1, options: Partial<HostOptions> = {}): HostOptions {
    const { server: { sshArgs }, tmpdir } = this;
    return { host: this.server.spec(workers), sshArgs, tmpdir, ...options };
  }

  /** Returns the ids of the processes that sshd has started. */
  processes(): number[] {
    const mark = `DISTEX_TEST_SSHD=${this.server.folder}`;
    return allProcesses().filter((pid) =>
      readProc(pid, "environ").split("\0").includes(mark) && isAlive(pid)
    );
  }

  /** Returns the ids of these processes that have a command line. */
  processesLike(commandLine: RegExp): number[] {
    return this.processes().filter((pid) => commandLine.test(commandOf(pid)));
  }

  /** Returns the temporary files of pools there. */
  files(): string[] {
    return poolFiles(this.tmpdir);
  }

  /** Waits until no pool has anything there. */
  async empty(): Promise<void> {
    await until(() => this.server.pids().length === 0);
    await until(() => this.processes().length === 0);
    await until(() => this.files().length === 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.stop();
  }
}

/**
 * Starts a server whose folder is in the system's folder for temporary files, also
 * in tests that set TMPDIR: the paths of sockets must be short.
 */
function startElsewhere(options?: SshServerOptions): Promise<SshServer> {
  const before = Deno.env.get("TMPDIR");
  setTmpdir(undefined);
  try {
    return startSshServer(options);
  } finally {
    setTmpdir(before);
  }
}

function setTmpdir(path: string | undefined): void {
  if (path === undefined) Deno.env.delete("TMPDIR");
  else Deno.env.set("TMPDIR", path);
}

/** A site for all tests of a file, and a TMPDIR for their pools. */
export interface SharedSite {
  /** The site that all tests use. */
  readonly site: SshSite;
  /** The folder for temporary files on this machine. */
  readonly tmpdir: string;
  /** Waits until no pool has anything on either machine. */
  empty(): Promise<void>;
}

/** Starts a site before the tests of a file, and stops it after them. */
export function sharedSite(): SharedSite {
  const before = Deno.env.get("TMPDIR");
  let site: SshSite | undefined;
  let tmpdir = "";
  Deno.test.beforeAll(async () => {
    if (sshdProblem !== undefined) return;
    site = await SshSite.start();
    tmpdir = `${site.server.folder}/l`;
    await Deno.mkdir(tmpdir);
    setTmpdir(tmpdir);
  });
  Deno.test.afterAll(async () => {
    setTmpdir(before);
    await site?.server.stop();
  });
  return {
    get site() {
      return site!;
    },
    get tmpdir() {
      return tmpdir;
    },
    async empty() {
      await site!.empty();
      await until(() => sshClients().length === 0);
      await until(() => poolFiles(tmpdir).length === 0);
    },
  };
}

/** Returns the `ssh` processes that a process has started; by default, this one. */
export function sshClients(parent = Deno.pid): number[] {
  return allProcesses().filter((pid) => {
    const stat = readProc(pid, "stat");
    const [, program, state, from] = stat.match(/\((.*)\) (.) (\d+)/s) ?? [];
    return program === "ssh" && state !== "Z" && Number(from) === parent;
  });
}

/** Returns a process's program and arguments. */
export function commandOf(pid: number): string {
  return readProc(pid, "cmdline").replaceAll("\0", " ");
}

/** Returns the files of pools in a folder. */
function poolFiles(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name)
    .filter((name) => POOL_FILE.test(name));
}

function allProcesses(): number[] {
  return [...Deno.readDirSync("/proc")].map(({ name }) => Number(name))
    .filter((pid) => pid > 0);
}

/** Reads a file of a process in /proc; returns nothing if it has ended. */
function readProc(pid: number, name: string): string {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/${name}`);
  } catch {
    return "";
  }
}

/** The program `programs/ssh_pool.ts`, in its own process group. */
export class PoolProgram implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #stdout: ReadableStreamDefaultReader<string>;
  readonly #stderr: Promise<string>;
  #text = "";

  /**
   * Starts it.
   *
   * @param mode What it does.
   * @param port The port of a gate, if its task must go there.
   */
  constructor(
    options: PoolOptions,
    mode: string,
    { port = 0, env = {} }: { port?: number; env?: Record<string, string> } =
      {},
  ) {
    const program = new URL("../programs/ssh_pool.ts", import.meta.url).href;
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", program, JSON.stringify(options), mode, `${port}`],
      env,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      detached: true,
    }).spawn();
    this.#stdout = this.#child.stdout.pipeThrough(new TextDecoderStream())
      .getReader();
    this.#stderr = new Response(this.#child.stderr).text();
  }

  /** Its process id. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Waits until it has written a line. */
  async readLine(): Promise<string> {
    while (!this.#text.includes("\n")) {
      const { done, value } = await this.#stdout.read();
      if (done) throw new Error(`The program ended: ${await this.#stderr}`);
      this.#text += value;
    }
    const [line, ...others] = this.#text.split("\n");
    this.#text = others.join("\n");
    return line!;
  }

  /** Sends a signal to all of its process group, as a terminal does. */
  async signalGroup(signal: string): Promise<void> {
    const args = ["-s", signal, "--", `-${this.pid}`];
    const { success } = await new Deno.Command("kill", { args }).output();
    assert(success);
  }

  /** Kills it; fails if it has ended. */
  kill(): void {
    killAll([this.pid]);
  }

  /** Waits until it and all processes with the same stderr have ended. */
  async ended(): Promise<{ code: number; stdout: string; stderr: string }> {
    const { code } = await this.#child.status;
    await this.#child.stdin.close().catch(() => {});
    for (let read; !(read = await this.#stdout.read()).done;) {
      this.#text += read.value;
    }
    return { code, stdout: this.#text, stderr: await this.#stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    killNow(this.pid);
    await this.ended();
  }
}

/** The path of a program, if it is installed. */
export function findProgram(name: string): string | undefined {
  return (Deno.env.get("PATH") ?? "").split(":")
    .map((folder) => `${folder}/${name}`)
    .find((path) => path.startsWith("/") && isFile(path));
}

/** Whether a file is there. */
export function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
