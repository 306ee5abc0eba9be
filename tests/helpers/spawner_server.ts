/**
 * A spawner server as users start it, in its own process, which always ends with
 * the test.
 *
 * @module
 */

import type { Certificate } from "../../src/transport/certificate.ts";
import {
  type CommandHost,
  LoggedProcess,
  type ProgramEnd,
} from "./logged_process.ts";

const PROGRAM = new URL("../../server.ts", import.meta.url).href;

/** A token of sufficient length. */
export const TOKEN = "a token of the tests";

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
export async function runSpawnerServer(...args: string[]): Promise<ProgramEnd> {
  await using server = new SpawnerServerProcess(args, await makeFolder());
  const listens = server.listening().then(() => true, () => false);
  if (await listens) throw new Error(`The server listens: ${server.logs()}`);
  return await server.ended();
}

function makeFolder(): Promise<string> {
  return Deno.makeTempDir({ prefix: "distex-server-" });
}

/** The result of {@linkcode startSpawnerServer}. */
export class SpawnerServerProcess extends LoggedProcess {
  /** The address that it listens on. */
  readonly hostname: string;

  #port = 0;

  /** Starts a server with its files in a folder, which is removed with it. */
  constructor(args: string[], folder: string, host?: CommandHost) {
    super("server", PROGRAM, args, folder, { host });
    this.hostname = host?.address ?? "127.0.0.1";
  }

  /** The port that it listens on. */
  get port(): number {
    return this.#port;
  }

  /** Returns the server as a pool's host. */
  spec(workers: number): string {
    return `${this.hostname}:${this.port}/${workers}`;
  }

  /** Waits until it listens. */
  async listening(): Promise<void> {
    const line = await this.logged(/listening on /);
    this.#port = Number(line.match(/:(\d+) with/)![1]);
  }
}
