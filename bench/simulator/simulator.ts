import type { HostOptions } from "../../mod.ts";
import { Reaper } from "../../src/spawner/reaper.ts";
import {
  type Certificate,
  makeCertificate,
} from "../../src/transport/certificate.ts";
import { CERTIFICATE_NAME } from "../../src/transport/connect.ts";
import { CERTIFICATE_FILES, type Transport } from "./machine.ts";

/**
 * Stands in for `ssh`: there is no tunnel, as the machine can connect to the
 * pool's own socket, the target of the first `-R`. The arguments end with
 * `-- <machine> <command>`, and the command with the number to connect with.
 * The first line of standard input is the secret, the rest the pool's program.
 */
const SSH = `#!/bin/sh
socket=
while [ "$1" != -- ]; do
  if [ "$1$socket" = -R ]; then socket=\${2#*:}; fi
  shift
done
number=\${3##* \\'}
IFS= read -r secret
echo "dial $$ $socket \${number%\\'} $secret" >"\${0%/*}/$2"
cat >/dev/null
exec sleep 2147483647
`;

interface Machine {
  readonly name: string;
  readonly process: Deno.ChildProcess;
  readonly orders: Deno.FsFile;
  readonly port: number;
}

/**
 * Machines with simulated workers, for a real `Pool`: a process each, which
 * holds hundreds of workers.
 */
export class Simulator implements AsyncDisposable {
  readonly #transport: Transport;
  readonly #folder: string;
  readonly #certificate: Certificate | undefined;
  /** Removes the folder, even if this process is killed. */
  readonly #reaper: Reaper;
  readonly #machines: Machine[] = [];
  readonly #path = Deno.env.get("PATH")!;

  private constructor(
    transport: Transport,
    folder: string,
    certificate: Certificate | undefined,
  ) {
    this.#transport = transport;
    this.#folder = folder;
    this.#certificate = certificate;
    this.#reaper = new Reaper(folder);
  }

  /**
   * Starts machines. With the transport `unix`, it puts its stand-in for `ssh`
   * into the PATH of this process.
   */
  static async start(
    transport: Transport,
    machines: number,
  ): Promise<Simulator> {
    const folder = await Deno.makeTempDir({ prefix: "distex-simulator-" });
    const certificate = transport === "tls"
      ? await makeCertificate()
      : undefined;
    const simulator = new Simulator(transport, folder, certificate);
    try {
      await simulator.#prepare();
      for (let number = 1; number <= machines; number++) {
        await simulator.#add(`machine-${number}`);
      }
      return simulator;
    } catch (error) {
      await simulator[Symbol.asyncDispose]();
      throw error;
    }
  }

  /**
   * Returns the machines as hosts that share a number of workers.
   *
   * @param fanout Whether the workers of a machine share its connection.
   */
  hosts(workers: number, fanout = false): HostOptions[] {
    const count = Math.min(this.#machines.length, workers);
    return this.#machines.slice(0, count).map((machine, index) => ({
      ...this.#host(machine),
      name: machine.name,
      fanout,
      workers: Math.floor((workers + index) / count),
    }));
  }

  /** Kills workers of the first machines at the same time. */
  async kill(workers: number, perMachine: number): Promise<void> {
    let left = workers;
    for (const { orders } of this.#machines) {
      const count = Math.min(left, perMachine);
      await orders.write(new TextEncoder().encode(`kill ${count}\n`));
      left -= count;
    }
  }

  /** Ends the machines. */
  async [Symbol.asyncDispose](): Promise<void> {
    Deno.env.set("PATH", this.#path);
    for (const { orders } of this.#machines) orders.close();
    await Promise.all(this.#machines.map(({ process }) => process.status));
    await this.#reaper.close();
  }

  async #prepare(): Promise<void> {
    if (this.#certificate !== undefined) {
      const { cert, key } = CERTIFICATE_FILES;
      await Deno.writeTextFile(
        `${this.#folder}/${cert}`,
        this.#certificate.cert,
      );
      await Deno.writeTextFile(`${this.#folder}/${key}`, this.#certificate.key);
    }
    if (this.#transport !== "unix") return;
    await Deno.writeTextFile(`${this.#folder}/ssh`, SSH, { mode: 0o755 });
    Deno.env.set("PATH", `${this.#folder}:${this.#path}`);
  }

  async #add(name: string): Promise<void> {
    const pipe = `${this.#folder}/${name}`;
    await new Deno.Command("mkfifo", { args: ["-m", "600", pipe] }).output();
    const program = new URL("./machine.ts", import.meta.url).href;
    const process = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--quiet", program],
        ...[this.#folder, name, this.#transport],
      ],
      stdin: "null",
      stdout: "piped",
    }).spawn();
    const reader = process.stdout.getReader();
    const { value } = await reader.read();
    await reader.cancel();
    if (value === undefined) throw new Error(`The ${name} didn't start`);
    const { port } = JSON.parse(new TextDecoder().decode(value));
    const orders = await Deno.open(pipe, { write: true });
    this.#machines.push({ name, process, orders, port });
  }

  #host({ name, port }: Machine): HostOptions {
    if (this.#transport === "unix") return { host: `ssh://${name}` };
    const host = `127.0.0.1:${port}`;
    if (this.#certificate === undefined) return { host };
    const caCerts = [this.#certificate.cert];
    return { host, tls: { caCerts, serverName: CERTIFICATE_NAME } };
  }
}
