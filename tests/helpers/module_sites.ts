/**
 * Other machines for pools, of both kinds, which see nothing of the modules
 * that a program's tasks are in but what the pool sends.
 *
 * @module
 */

import type { HostOptions } from "../../mod.ts";
import { startSpawnerServer } from "./spawner_server.ts";
import { sshTest, startSshServer } from "./ssh_server.ts";

/** A machine on which workers run until the end of its scope. */
export interface Site extends AsyncDisposable {
  /** The machine as a pool's host. */
  host(workers: number): HostOptions;
}

/** A kind of hosts. */
export interface SiteKind {
  /** What it is called in the names of tests. */
  readonly name: string;
  /** Declares a test that needs such a site. */
  readonly declare: (name: string, body: () => Promise<void>) => void;
  /** Starts one. */
  readonly start: () => Promise<Site>;
}

/**
 * Starts a site that is reached by ssh.
 *
 * @param denoDir Where Deno has its cache there; the default is this
 * machine's.
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

/** All kinds of hosts on other machines. */
export const SITE_KINDS: readonly SiteKind[] = [
  { name: "ssh", declare: sshTest, start: () => startSshSite() },
  {
    name: "spawner server",
    declare: (name, body) => Deno.test(name, body),
    start: startSpawnerSite,
  },
];
