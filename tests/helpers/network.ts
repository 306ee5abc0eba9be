/**
 * Hosts with their own addresses, made of Linux network namespaces: each is
 * connected to a bridge, which also has the address of the pool's machine.
 *
 * @module
 */

import { sshdProblem } from "./ssh_server.ts";
import { exists } from "./processes.ts";

/** The prefix of names; the test's process id and a number follow. */
const PREFIX = "dxt";

/** Limits the length of names: those of interfaces have at most 15 characters. */
const MAX_NETWORKS = 100;
const MAX_HOSTS = 9;

/** The range of the subnets, 198.18.0.0/15, which RFC 2544 reserves for tests. */
const FIRST_ADDRESS = 0xc612_0000;
const PREFIX_LENGTH = 26;
const SUBNETS = 2 ** (PREFIX_LENGTH - 15);
const SUBNET_SIZE = 2 ** (32 - PREFIX_LENGTH);

const BRIDGE_MAC = macOf(0);

/** The kernel's numbers for the states of a port. */
const DISABLED = "0";
const FORWARDING = "3";

/**
 * Waits until its pipe ends, and removes networks and the processes in them.
 * Interfaces and namespaces of a network's hosts have its name as prefix; its
 * bridge has exactly that name and is removed last, so remains can be found.
 */
const REMOVE = `
trap '' HUP INT QUIT TERM
cat >/dev/null
exec 2>/dev/null
for network; do
  ip netns list | while read -r host _; do
    case $host in "$network"-*) ;; *) continue ;; esac
    while pids=$(ip netns pids "$host"); [ "$pids" ]; do
      kill -KILL $pids
    done
    ip link delete "$host"
    ip netns delete "$host"
  done
  ip link delete "$network"
done
`;

/** Options of {@linkcode networkTest}. */
export interface NetworkTestOptions {
  /** Whether it also needs an `SshServer`. */
  sshd?: boolean;
}

/** Declares a test that needs a {@linkcode Network}, like `Deno.test`. */
export function networkTest(
  name: string,
  fn: () => void | Promise<void>,
  { sshd = false }: NetworkTestOptions = {},
): void {
  const problem = networkProblem ?? (sshd ? sshdProblem : undefined);
  if (problem) name += ` (skipped: ${problem})`;
  Deno.test({ name, fn, ignore: problem !== undefined });
}

/** A host of a {@linkcode Network}, or the pool's machine. */
export interface NetworkHost {
  /** Its network namespace; the pool's machine has that of the test. */
  readonly namespace: string | undefined;
  /** Its address in the network. */
  readonly address: string;
  /** Returns the program and arguments that run a program on this host. */
  command(
    program: string,
    args?: readonly string[],
  ): [program: string, args: string[]];
}

/** The result of {@linkcode makeNetwork}. */
export interface Network extends AsyncDisposable {
  /** The machine of the test itself. */
  readonly pool: NetworkHost;
  readonly hosts: readonly NetworkHost[];
  /**
   * Drops everything that is sent from and to the host: connections don't end, and
   * its address still seems to exist.
   */
  cut(host: NetworkHost): Promise<void>;
  /** Undoes {@linkcode cut}. */
  restore(host: NetworkHost): Promise<void>;
  /**
   * Delays everything that is sent from and to the host, if the kernel can.
   *
   * @returns Whether it can.
   */
  delay(host: NetworkHost, ms: number): Promise<boolean>;
}

/**
 * Makes a network. It is removed with all processes on its hosts: on disposal,
 * when the test's process ends, or else when another network is made.
 */
export async function makeNetwork(hosts = 2): Promise<Network> {
  if (hosts > MAX_HOSTS) throw new Error(`At most ${MAX_HOSTS} hosts`);
  await removeLeftovers();
  const name = await addBridge();
  const network = new NamespaceNetwork(name, hosts);
  try {
    await network.setUp();
    return network;
  } catch (error) {
    await network[Symbol.asyncDispose]();
    throw error;
  }
}

/** A {@linkcode NetworkHost}, in a namespace unless it is the pool's machine. */
class Host implements NetworkHost {
  constructor(
    readonly namespace: string | undefined,
    readonly address: string,
    /** The hardware address. */
    readonly mac: string,
  ) {}

  command(
    program: string,
    args: readonly string[] = [],
  ): [program: string, args: string[]] {
    return this.namespace === undefined
      ? [program, [...args]]
      : ["ip", ["netns", "exec", this.namespace, program, ...args]];
  }
}

class NamespaceNetwork implements Network {
  readonly #name: string;
  readonly #remover: Deno.ChildProcess;
  readonly pool: Host;
  readonly hosts: readonly Host[];

  /** Takes over the bridge of a name. */
  constructor(name: string, hosts: number) {
    this.#name = name;
    this.#remover = startRemover([name]);
    const subnet = findSubnet(name);
    this.pool = new Host(undefined, addressOf(subnet + 1), BRIDGE_MAC);
    this.hosts = Array.from(
      { length: hosts },
      (_, at) =>
        new Host(`${name}-${at}`, addressOf(subnet + 2 + at), macOf(1 + at)),
    );
  }

  /**
   * Sets up the hosts. They and the pool know each other's hardware addresses
   * for good: a request for that of a host that is cut off would fail.
   */
  async setUp(): Promise<void> {
    const { pool, hosts } = this;
    const name = this.#name;
    await ip([], [
      `address add ${pool.address}/${PREFIX_LENGTH} dev ${name}`,
      `link set ${name} up`,
      ...hosts.flatMap(({ namespace, address, mac }) => [
        `netns add ${namespace}`,
        `link add ${namespace} type veth peer name eth0 address ${mac} netns ${namespace}`,
        `link set ${namespace} master ${name} up`,
        `neighbour replace ${address} lladdr ${mac} dev ${name} nud permanent`,
      ]),
    ]);
    await Promise.all(hosts.map(async ({ namespace, address }) => {
      await ip(["-netns", namespace!], [
        "link set lo up",
        `address add ${address}/${PREFIX_LENGTH} dev eth0`,
        "link set eth0 up",
        `neighbour replace ${pool.address} lladdr ${pool.mac} dev eth0 nud permanent`,
      ]);
    }));
  }

  async cut(host: NetworkHost): Promise<void> {
    await this.#setPort(host, DISABLED);
  }

  async restore(host: NetworkHost): Promise<void> {
    await this.#setPort(host, FORWARDING);
  }

  /**
   * Makes the bridge drop all packets; both ends see a working link. With
   * `ip` instead of `bridge`, the port would be enabled again at once.
   */
  async #setPort({ namespace }: NetworkHost, state: string): Promise<void> {
    await run("bridge", ["link", "set", "dev", namespace!, "state", state]);
  }

  async delay({ namespace }: NetworkHost, ms: number): Promise<boolean> {
    const netem = ["root", "netem", "limit", "1000000", "delay", `${ms}ms`];
    const ends = [
      ["qdisc", "replace", "dev", namespace!, ...netem],
      ["-netns", namespace!, "qdisc", "replace", "dev", "eth0", ...netem],
    ];
    try {
      for (const args of ends) await run("tc", args);
      return true;
    } catch {
      return false;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await finish(this.#remover);
  }
}

/** Makes a bridge with a new name: the kernel refuses names in use. */
async function addBridge(): Promise<string> {
  for (let number = 0; number < MAX_NETWORKS; number++) {
    const name = `${PREFIX}${Deno.pid}-${number}`;
    try {
      await ip([], [`link add ${name} address ${BRIDGE_MAC} type bridge`]);
      return name;
    } catch (error) {
      if (!String(error).includes("File exists")) throw error;
    }
  }
  throw new Error("There are too many networks");
}

/** The subnet of a bridge, as a number; unique like the kernel's index. */
function findSubnet(bridge: string): number {
  const index = Deno.readTextFileSync(`/sys/class/net/${bridge}/ifindex`);
  return FIRST_ADDRESS + (Number(index) % SUBNETS) * SUBNET_SIZE;
}

function addressOf(number: number): string {
  return [24, 16, 8, 0].map((bits) => number >>> bits & 255).join(".");
}

function macOf(number: number): string {
  return `02:00:00:00:00:${number.toString(16).padStart(2, "0")}`;
}

/** Removes the networks of processes that have ended. */
async function removeLeftovers(): Promise<void> {
  const names: string[] = [];
  for (const { name } of Deno.readDirSync("/sys/class/net")) {
    const [, prefix, pid] = name.match(/^([a-z]+)(\d+)-\d+$/) ?? [];
    if (prefix === PREFIX && !exists(`/proc/${pid}`)) names.push(name);
  }
  if (names.length > 0) await finish(startRemover(names));
}

function startRemover(names: readonly string[]): Deno.ChildProcess {
  return new Deno.Command("sh", {
    args: ["-c", REMOVE, "network-reaper", ...names],
    stdin: "piped",
    stdout: "null",
    // It needs its own process group, as ours may be killed as a whole.
    detached: true,
  }).spawn();
}

/** Makes the remover start, and waits for it. */
async function finish(remover: Deno.ChildProcess): Promise<void> {
  await remover.stdin.close().catch(() => {});
  await remover.status;
}

/** Runs lines of commands of `ip`. */
async function ip(
  options: readonly string[],
  lines: readonly string[],
): Promise<void> {
  await run("ip", [...options, "-batch", "-"], lines.join("\n"));
}

async function run(
  program: string,
  args: readonly string[],
  input = "",
): Promise<void> {
  const child = new Deno.Command(program, {
    args: [...args],
    stdin: "piped",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const output = child.output();
  // A program that has failed doesn't read; its output has the reason.
  await new Response(input).body!.pipeTo(child.stdin).catch(() => {});
  const { success, stderr } = await output;
  if (success) return;
  throw new Error(`${program}: ${new TextDecoder().decode(stderr).trim()}`);
}

async function findProblem(): Promise<string | undefined> {
  if (Deno.build.os !== "linux") return "needs Linux";
  if (Deno.uid() !== 0) return "needs root";
  try {
    await using _ = await makeNetwork(1);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      return "install the package iproute2";
    }
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * Why this machine can't have a {@linkcode Network}, if so. To find out, this
 * makes a network, which needs everything above.
 */
export const networkProblem: string | undefined = await findProblem();
