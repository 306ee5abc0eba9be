/**
 * A real OpenSSH server for a test. It ignores this machine's ssh configuration,
 * and leaves nothing behind.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { userInfo } from "node:os";
import { LogFile } from "./log_file.ts";
import {
  configPath,
  findProgram,
  mark,
  SSHD,
  writeFiles,
} from "./ssh_files.ts";

/** Ports below the range from which systems assign ports, also to other tests. */
const PORTS = { from: 10_000, to: 32_000 };

const MAX_TRIES = 20;

/**
 * Starts sshd at each port that it reads. When its pipe ends, it kills sshd, the
 * sessions, and their descendants, and removes the folder.
 *
 * Sessions leave sshd's process group, and their children may outlive them.
 * Stopped processes can't start others during the search.
 */
const GUARD = `
folder=$1 mark=$2 sshd=
shift 2
trap '' HUP INT QUIT TERM
while read -r port; do
  { trap - HUP INT QUIT TERM; "$@" -p "$port"; echo "sshd ended" >&2; } \
    </dev/null >&2 2>>"$folder/log" &
  sshd=$!
done
tree=
stop() {
  kill -STOP "$1" || return
  tree="$tree $1"
  for child in $(cat /proc/"$1"/task/*/children); do stop "$child"; done
}
exec 2>/dev/null
if [ "$sshd" ]; then
  stop "$sshd"
  kill -KILL $tree
  wait
  while files=$(grep -lF "$mark" /proc/[0-9]*/environ); [ "$files" ]; do
    for file in $files; do
      pid=\${file#/proc/}
      kill -KILL "\${pid%/environ}"
    done
  done
fi
rm -rf "$folder"
`;

/** Why this machine can't run an {@linkcode SshServer}, if so. */
export const sshdProblem: string | undefined = findProblem();

function findProblem(): string | undefined {
  if (Deno.build.os !== "linux") return "needs Linux";
  if (!SSHD) return "install the package openssh-server";
  if (!findProgram("ssh") || !findProgram("ssh-keygen")) {
    return "install the package openssh-client";
  }
}

/** Declares a test that needs an {@linkcode SshServer}, like `Deno.test`. */
export function sshTest(
  name: string,
  fn: () => void | Promise<void>,
  options: Pick<Deno.TestDefinition, "sanitizeOps" | "sanitizeResources"> = {},
): void {
  if (sshdProblem) name += ` (skipped: ${sshdProblem})`;
  Deno.test({ ...options, name, fn, ignore: sshdProblem !== undefined });
}

/** Options of {@linkcode startSshServer}. */
export interface SshServerOptions {
  /** Further lines of sshd_config, which take precedence; no `Match`. */
  config?: readonly string[];
  /** The address to listen on; 127.0.0.1 by default. */
  address?: string;
  /** The network namespace to run in. */
  namespace?: string | undefined;
  /**
   * The environment of sessions. By default, the `deno` of the test is in their
   * PATH with the same cache, and their HOME has no profile of the user.
   */
  env?: Readonly<Record<string, string>>;
}

/** Starts a server; resolves when it accepts connections. */
export async function startSshServer(
  options: SshServerOptions = {},
): Promise<SshServer> {
  return await SshServer.start(options);
}

/** The result of {@linkcode startSshServer}. */
export class SshServer implements AsyncDisposable {
  readonly #reaper: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #log: LogFile;
  #stopped: Promise<unknown> | undefined;
  #port = 0;

  /** The user that can log in: the one that runs the test. */
  readonly user: string = userInfo().username;

  /** The folder of its files. Tests may add files. */
  readonly folder: string;

  /** The address that it listens on. */
  readonly address: string;

  private constructor({ address = "127.0.0.1", namespace }: SshServerOptions) {
    if (!SSHD) throw new Error("There is no sshd");
    const folder = Deno.makeTempDirSync({ prefix: "distex-sshd-" });
    const exec = namespace ? ["ip", "netns", "exec", namespace] : [];
    const command = [...exec, SSHD, "-D", "-e", "-f", configPath(folder)];
    this.folder = folder;
    this.address = address;
    this.#log = new LogFile(`${folder}/log`);
    this.#reaper = new Deno.Command("sh", {
      args: ["-c", GUARD, "sshd-reaper", folder, mark(folder), ...command],
      stdin: "piped",
      stdout: "null",
      stderr: "piped",
      // It needs its own process group, as ours may be killed as a whole.
      detached: true,
    }).spawn();
    this.#writer = this.#reaper.stdin.getWriter();
  }

  /** See {@linkcode startSshServer}. */
  static async start(options: SshServerOptions): Promise<SshServer> {
    const server = new SshServer(options);
    try {
      await writeFiles(server.folder, server.address, options);
      await server.#listen();
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /** The address that it listens on. */
  get port(): number {
    return this.#port;
  }

  /** The private key that is accepted. */
  get identity(): string {
    return `${this.folder}/identity`;
  }

  /** The file with the host key, for all names and ports. */
  get knownHosts(): string {
    return `${this.folder}/known_hosts`;
  }

  /** Arguments with which ssh can log in, and ignores the user's configuration. */
  get sshArgs(): string[] {
    return this.#args("identity", "known_hosts");
  }

  /** The same arguments with a private key that isn't accepted. */
  get wrongKeyArgs(): string[] {
    return this.#args("other_key", "known_hosts");
  }

  /** The same arguments without the server in the known hosts. */
  get unknownHostKeyArgs(): string[] {
    return this.#args("identity", "no_hosts");
  }

  /** The same arguments with another host key of the server. */
  get changedHostKeyArgs(): string[] {
    return this.#args("identity", "changed_hosts");
  }

  /** The server as ssh's destination: a URL with user and port. */
  get destination(): string {
    const { address } = this;
    const host = address.includes(":") ? `[${address}]` : address;
    return `ssh://${this.user}@${host}:${this.port}`;
  }

  /** Returns the server as a pool's host. */
  spec(workers: number): string {
    return `${this.destination}/${workers}`;
  }

  /** The log of sshd so far. */
  logs(): string {
    return this.#log.text();
  }

  /** The processes of sshd, except for the one that listens. */
  pids(): number[] {
    const processes = readProcesses();
    const isSshd = (pid: number) => !!processes.get(pid)?.isSshd;
    const isOurs = (pid: number): boolean => {
      const parent = processes.get(pid)?.parent ?? 0;
      return parent === this.#reaper.pid || parent > 1 && isOurs(parent);
    };
    return [...processes].flatMap(([pid, { parent }]) =>
      isSshd(pid) && isSshd(parent) && isOurs(pid) ? [pid] : []
    );
  }

  /**
   * Ends all connections as if sshd had crashed; it still accepts new ones.
   *
   * @returns How many processes of sshd it has killed.
   */
  async killSessions(): Promise<number> {
    const killed = new Set(this.pids());
    for (const pid of killed) {
      try {
        Deno.kill(pid, "SIGKILL");
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    }
    while (this.pids().some((pid) => killed.has(pid))) await delay(1);
    return killed.size;
  }

  /** Kills sshd and its descendants, and removes the folder. */
  async stop(): Promise<void> {
    await this.#writer.close().catch(() => {});
    // All processes of sshd have the pipe, which ends with the last of them.
    await (this.#stopped ??= this.#reaper.output());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Makes sshd listen on a free port. Only sshd itself can find one. */
  async #listen(): Promise<void> {
    for (let tries = 1;; tries++) {
      const { from, to } = PORTS;
      this.#port = from + Math.floor(Math.random() * (to - from));
      const start = this.logs().length;
      await this.#writer.write(new TextEncoder().encode(`${this.port}\n`));
      const said = await this.#log.until(
        (text) => {
          const news = text.slice(start);
          return /^Server listening on |^sshd ended$/m.test(news)
            ? news
            : undefined;
        },
        this.#reaper.status,
      ) ?? "";
      if (/^Server listening on /m.test(said)) break;
      if (tries < MAX_TRIES && /Address already in use/.test(said)) continue;
      throw new Error(`sshd doesn't start: ${this.logs()}`);
    }
  }

  #args(identity: string, knownHosts: string): string[] {
    const { folder } = this;
    return [
      ["-F", "none"],
      ["-i", `${folder}/${identity}`],
      ["-o", "IdentitiesOnly=yes"],
      ["-o", "IdentityAgent=none"],
      ["-o", `UserKnownHostsFile="${folder}/${knownHosts}"`],
      ["-o", "GlobalKnownHostsFile=/dev/null"],
      ["-o", "StrictHostKeyChecking=yes"],
    ].flat();
  }
}

interface Process {
  parent: number;
  isSshd: boolean;
}

/** Returns all running processes on this machine. */
function readProcesses(): Map<number, Process> {
  const processes = new Map<number, Process>();
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = readText(`/proc/${name}/stat`);
    const [, program, parent] = stat.match(/\((.*)\) [^ZX] (\d+)/s) ?? [];
    if (!program) continue;
    // Some versions run sessions in programs sshd-session and sshd-auth.
    const isSshd = /^sshd\b/.test(program);
    processes.set(Number(name), { parent: Number(parent), isSshd });
  }
  return processes;
}

/** Returns the text of a file, or none if the process has ended. */
function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
