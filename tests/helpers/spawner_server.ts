/**
 * A spawner server as users start it, in its own process, which always ends with
 * the test.
 *
 * @module
 */

import type { Certificate } from "../../src/transport/certificate.ts";
import { Reaper } from "../../src/spawner/reaper.ts";
import { LogFile } from "./log_file.ts";

const PROGRAM = new URL("../../server.ts", import.meta.url).href;

/** Redirects the output of a program to two files. */
const INTO_FILES = 'out=$1 err=$2; shift 2; exec "$@" >"$out" 2>"$err"';

/** A token of sufficient length. */
export const TOKEN = "a token of the tests";

/** Runs a program on some host: the part of `NetworkHost` that is used. */
export interface CommandHost {
  readonly address: string;
  command(program: string, args: string[]): [program: string, args: string[]];
}

/** Options of {@linkcode startSpawnerServer}. */
export interface SpawnerServerOptions {
  /** Further arguments. */
  readonly args?: readonly string[];
  /** The token that pools must know. */
  readonly token?: string;
  /** The certificate, to serve with TLS. */
  readonly certificate?: Certificate;
  /** The host of a network to run on and listen on. */
  readonly host?: CommandHost;
}

/** The end of a server. */
export interface ServerEnd {
  readonly code: number;
  readonly signal: Deno.Signal | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts a server; resolves when it listens. */
export async function startSpawnerServer(
  options: SpawnerServerOptions = {},
): Promise<SpawnerServerProcess> {
  const { token, certificate, host, args = [] } = options;
  const folder = await makeFolder();
  const files: string[] = [];
  async function file(option: string, content: string | undefined) {
    if (content === undefined) return;
    const path = `${folder}/${option}`;
    await Deno.writeTextFile(path, content);
    files.push(`--${option}`, path);
  }
  await file("token-file", token);
  await file("tls-cert", certificate?.cert);
  await file("tls-key", certificate?.key);
  const address = host === undefined ? [] : ["--host", host.address];
  const server = new SpawnerServerProcess(
    ["--port", "0", ...address, ...files, ...args],
    folder,
    host,
  );
  try {
    await server.listening();
    return server;
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

/** Runs a server with arguments that make it end by itself. */
export async function runSpawnerServer(...args: string[]): Promise<ServerEnd> {
  await using server = new SpawnerServerProcess(args, await makeFolder());
  const listens = server.listening().then(() => true, () => false);
  if (await listens) throw new Error(`The server listens: ${server.logs()}`);
  return await server.ended();
}

function makeFolder(): Promise<string> {
  return Deno.makeTempDir({ prefix: "distex-server-" });
}

/** The result of {@linkcode startSpawnerServer}. */
export class SpawnerServerProcess implements AsyncDisposable {
  /** The address that it listens on. */
  readonly hostname: string;

  readonly #child: Deno.ChildProcess;
  readonly #reaper: Reaper;
  readonly #stdout: LogFile;
  readonly #stderr: LogFile;
  #port = 0;

  /** Starts a server with its files in a folder, which is removed with it. */
  constructor(args: string[], folder: string, host?: CommandHost) {
    const command = ["run", "-A", PROGRAM, ...args];
    const [program, programArgs] = host?.command(Deno.execPath(), command) ??
      [Deno.execPath(), command];
    this.hostname = host?.address ?? "127.0.0.1";
    const files = [`${folder}/stdout`, `${folder}/stderr`] as const;
    this.#stdout = new LogFile(files[0]);
    this.#stderr = new LogFile(files[1]);
    this.#reaper = new Reaper(folder);
    this.#child = new Deno.Command("sh", {
      args: ["-c", INTO_FILES, "server", ...files, program, ...programArgs],
      stdin: "null",
    }).spawn();
    this.#reaper.watch(this.#child);
  }

  /** Its process id. */
  get pid(): number {
    return this.#child.pid;
  }

  /** The port that it listens on. */
  get port(): number {
    return this.#port;
  }

  /** Returns the server as a pool's host. */
  spec(workers: number): string {
    return `${this.hostname}:${this.port}/${workers}`;
  }

  /** Its log so far. */
  logs(): string {
    return this.#stderr.text().trimEnd();
  }

  /** Waits until its log matches. */
  async logged(pattern: RegExp): Promise<string> {
    const line = await this.#stderr.until(
      (text) => text.match(/.*\n/g)?.find((line) => pattern.test(line)),
      this.#child.status,
    );
    if (line !== undefined) return line.trimEnd();
    throw new Error(`The server didn't log ${pattern}: ${this.logs()}`);
  }

  /** Waits until it listens. */
  async listening(): Promise<void> {
    const line = await this.logged(/listening on /);
    this.#port = Number(line.match(/:(\d+) with/)![1]);
  }

  /** Sends it a signal; fails if it has ended. */
  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** Waits until it has ended, and the reaper of its workers with it. */
  async ended(): Promise<ServerEnd> {
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
