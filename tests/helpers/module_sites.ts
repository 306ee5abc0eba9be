/**
 * Remote machines for pools, of both kinds. They have only the task modules that
 * a pool sends.
 *
 * @module
 */

import type { HostOptions } from "../../mod.ts";
import { startSpawnerServer } from "./spawner_server.ts";
import { sshTest, startSshServer } from "./ssh_server.ts";

/** A machine for workers, until the end of its scope. */
export interface Site extends AsyncDisposable {
  /** Returns the machine as a host for a pool. */
  host(workers: number): HostOptions;
}

/** A kind of hosts. */
export interface SiteKind {
  /** The name of the kind in the names of tests. */
  readonly name: string;
  /** Declares a test that needs a site of this kind. */
  readonly declare: (name: string, body: () => Promise<void>) => void;
  /** Starts a site. */
  readonly start: () => Promise<Site>;
}

/**
 * Starts a site that pools reach through ssh.
 *
 * @param denoDir The folder of Deno's cache there; this machine's by default.
 */
export async function startSshSite(denoDir?: string): Promise<Site> {
  const server = await startSshServer(
    denoDir === undefined ? {} : { env: { DENO_DIR: denoDir } },
  );
  return {
    host: (workers) => ({
      host: server.spec(workers),
      sshArgs: server.sshArgs,
    }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

async function startSpawnerSite(): Promise<Site> {
  const server = await startSpawnerServer();
  return {
    host: (workers) => ({ host: server.spec(workers) }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** All kinds of remote machines. */
export const SITE_KINDS: readonly SiteKind[] = [
  { name: "ssh", declare: sshTest, start: () => startSshSite() },
  {
    name: "spawner server",
    declare: (name, body) => Deno.test(name, body),
    start: startSpawnerSite,
  },
];
