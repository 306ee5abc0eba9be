import { PrivateFolder } from "../src/hosts/private_folder.ts";
import type { SshServer } from "../tests/helpers/ssh_server.ts";
import type { BareMode } from "./bare_worker.ts";
import { bareArguments, closeConnection } from "./limits.ts";

/**
 * Bare workers at the other end of a plain `ssh -R`. They share one ssh
 * connection, as the workers of a pool's ssh host do.
 */
export class SshTunnel implements AsyncDisposable {
  /** A connection to each of the workers. */
  readonly connections: readonly Deno.Conn[];
  readonly #ssh: Deno.ChildProcess;

  private constructor(
    connections: readonly Deno.Conn[],
    ssh: Deno.ChildProcess,
  ) {
    this.connections = connections;
    this.#ssh = ssh;
  }

  /**
   * Starts ssh and the workers at its other end, and waits until they have
   * connected.
   *
   * @throws {Error} If ssh or a worker ends instead.
   */
  static async start(
    server: SshServer,
    mode: BareMode,
    workers: number,
  ): Promise<SshTunnel> {
    const folder = await PrivateFolder.make();
    const connections: Deno.Conn[] = [];
    try {
      const path = folder.socketPath;
      using listener = Deno.listen({ transport: "unix", path });
      const ssh = startSsh(server, mode, workers, path);
      const ended = ssh.status.then(({ code }) => {
        throw new Error(`ssh -R ended with exit code ${code}`);
      });
      ended.catch(() => {});
      while (connections.length < workers) {
        const accepted = listener.accept();
        // Rejected when the listener is closed, if ssh ends first.
        accepted.catch(() => {});
        connections.push(await Promise.race([accepted, ended]));
      }
      return new SshTunnel(connections, ssh);
    } catch (error) {
      connections.forEach(closeConnection);
      throw error;
    } finally {
      await folder.remove();
    }
  }

  /** Closes the connections, and waits until that has ended ssh. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.connections.forEach(closeConnection);
    await this.#ssh.status;
  }
}

function startSsh(
  { sshArgs, destination }: SshServer,
  mode: BareMode,
  workers: number,
  path: string,
): Deno.ChildProcess {
  const remotePath = `${path}.remote`;
  const worker = [Deno.execPath(), ...bareArguments(mode, remotePath)]
    .map(quote).join(" ");
  // If one worker fails, there is no point in waiting for the others.
  const all = `{ ${worker} || kill $$; } & `.repeat(workers) + "wait";
  return new Deno.Command("ssh", {
    args: [
      ...sshArgs,
      "-Tax",
      ...["-o", "ExitOnForwardFailure=yes"],
      ...["-R", `${remotePath}:${path}`],
      destination,
      `exec sh -c ${quote(all)}`,
    ],
    stdin: "null",
  }).spawn();
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
