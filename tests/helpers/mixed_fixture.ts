/**
 * Hosts of every kind for the tests of a file.
 *
 * @module
 */

import {
  type SpawnerServerProcess,
  startSpawnerServer,
} from "./spawner_server.ts";
import { sshdProblem, type SshServer, startSshServer } from "./ssh_server.ts";

/** The options of a pool with one worker at each host. */
export interface MixedHosts {
  workers: number;
  hosts: { host: string; sshArgs?: string[]; name: string }[];
}

/**
 * Starts an sshd and a spawner server before the tests of the file, and stops
 * them after the tests.
 *
 * @returns A function that returns the options of a pool with one worker on
 * this machine, one by ssh, and one on the spawner server.
 */
export function useMixedHosts(): () => MixedHosts {
  let spawner: SpawnerServerProcess;
  let ssh: SshServer;
  if (sshdProblem === undefined) {
    Deno.test.beforeAll(async () => {
      spawner = await startSpawnerServer();
      ssh = await startSshServer();
    });
    Deno.test.afterAll(async () => {
      await spawner[Symbol.asyncDispose]();
      await ssh.stop();
    });
  }
  return () => ({
    workers: 1,
    hosts: [
      { host: ssh.spec(1), sshArgs: ssh.sshArgs, name: "by ssh" },
      { host: spawner.spec(1), name: "at spawner" },
    ],
  });
}
