/**
 * An agent as users start it, in its own process, which always ends with the
 * test.
 *
 * @module
 */

import { Reaper } from "../../src/spawner/reaper.ts";
import { LogFile } from "./log_file.ts";
import type { CommandHost } from "./spawner_server.ts";

const PROGRAM = new URL("../../worker.ts", import.meta.url).href;

/** Redirects the output of a program to two files. */
const INTO_FILES = 'out=$1 err=$2; shift 2; exec "$@" >"$out" 2>"$err"';

/** Options of {@linkcode AgentProcess}. */
export interface AgentOptions {
  /** The token, for a file; by default, there is no file. */
  readonly token?: string;
  /** Environment variables besides those of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** The program; `worker.ts` by default. */
  readonly program?: string;
  /** The host of a network to run on. */
  readonly host?: CommandHost;
}

/** The end of an agent. */
export interface AgentEnd {
  readonly code: number;
  readonly signal: Deno.Signal | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs an agent until it ends by itself. */
export async function runAgent(
  args: readonly string[],
  options: AgentOptions = {},
): Promise<AgentEnd> {
  await using agent = new AgentProcess(args, options);
  return await agent.ended();
}

/** An agent that was started. */
export class AgentProcess implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #reaper: Reaper;
  readonly #stdout: LogFile;
  readonly #stderr: LogFile;

  /** Starts an agent with these arguments. */
  constructor(args: readonly string[], options: AgentOptions = {}) {
    const { token, env = {}, program = PROGRAM, host } = options;
    const folder = Deno.makeTempDirSync({ prefix: "distex-agent-" });
    const command = ["run", "-A", program, ...args];
    if (token !== undefined) {
      Deno.writeTextFileSync(`${folder}/token`, token);
      command.push("--token-file", `${folder}/token`);
    }
    const [runner, runnerArgs] = host?.command(Deno.execPath(), command) ??
      [Deno.execPath(), command];
    const files = [`${folder}/stdout`, `${folder}/stderr`] as const;
    this.#stdout = new LogFile(files[0]);
    this.#stderr = new LogFile(files[1]);
    this.#reaper = new Reaper(folder);
    this.#child = new Deno.Command("sh", {
      args: ["-c", INTO_FILES, "agent", ...files, runner, ...runnerArgs],
      stdin: "null",
      env: { NO_COLOR: "1", ...env },
    }).spawn();
    this.#reaper.watch(this.#child);
  }

  /** Its process id. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Its log so far. */
  logs(): string {
    return this.#stderr.text().trimEnd();
  }

  /** Waits until its log matches. */
  async logged(pattern: RegExp): Promise<void> {
    const line = await this.#stderr.until(
      (text) => pattern.test(text) ? text : undefined,
      this.#child.status,
    );
    if (line !== undefined) return;
    throw new Error(`The agent didn't log ${pattern}: ${this.logs()}`);
  }

  /** Sends it a signal; fails if it has ended. */
  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** Waits until it has ended. */
  async ended(): Promise<AgentEnd> {
    const { code, signal } = await this.#child.status;
    return { code, signal, stdout: this.#stdout.text(), stderr: this.logs() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#child.status;
    await this.#reaper.close();
  }
}
