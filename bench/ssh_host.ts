import type { HostOptions } from "../mod.ts";
import { sshdProblem, type SshServer } from "../tests/helpers/ssh_server.ts";

/** Returns whether an ssh server can run; if not, prints the missing rows. */
export function canUseSsh(
  names: readonly string[],
  wanted: ReadonlySet<string>,
): boolean {
  if (sshdProblem === undefined) return true;
  const rows = names.filter((name) => wanted.has(name)).join(" ");
  console.error(`Skipping ${rows}: ${sshdProblem}`);
  return false;
}

/** Describes a server as a host with that many workers. */
export function sshHost(server: SshServer, workers: number): HostOptions {
  return { host: server.spec(workers), sshArgs: server.sshArgs };
}
