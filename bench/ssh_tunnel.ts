import { PrivateFolder } from "../src/hosts/private_folder.ts";
import type { SshServer } from "../tests/helpers/ssh_server.ts";
import type { BareMode } from "./bare_worker.ts";
import { bareArguments, closeConnection } from "./limits.ts";

/**
 * Bare workers at the other end of a plain `ssh -R`, all over one connection
 * as the workers of a pool's ssh host are.
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
   * Starts ssh, and over there the workers, and waits until they have
   * connected.
   *
   * @throws {Error} If one of them ends instead.
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

  /** Closes the connections, which ends workers and ssh, and waits for that. */
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
  // If one can't work, the others needn't be waited for.
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
