/**
 * Hosts with addresses of their own, made of Linux network namespaces: each is
 * plugged into a bridge, which also has the address of the pool's side.
 *
 * @module
 */

import { sshdProblem } from "./ssh_server.ts";
import { exists } from "./processes.ts";

/** Names begin with this, the process id of the test, and a number. */
const PREFIX = "dxt";

/** Names of interfaces have at most 15 characters, which limits these. */
const MAX_NETWORKS = 100;
const MAX_HOSTS = 9;

/** Subnets are parts of 198.18.0.0/15, set aside for tests by RFC 2544. */
const FIRST_ADDRESS = 0xc612_0000;
const PREFIX_LENGTH = 26;
const SUBNETS = 2 ** (PREFIX_LENGTH - 15);
const SUBNET_SIZE = 2 ** (32 - PREFIX_LENGTH);

const BRIDGE_MAC = macOf(0);

/** As the states of ports are called by number in the kernel. */
const DISABLED = "0";
const FORWARDING = "3";

/**
 * Waits until its pipe ends, and removes networks with what runs in them.
 * Interfaces and namespaces of a network's hosts have its name as prefix; its
 * bridge has exactly that name and goes last, so that what wasn't removed can
 * be found.
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

/** Like `Deno.test`, of what needs a {@linkcode Network}. */
export function networkTest(
  name: string,
  fn: () => void | Promise<void>,
  { sshd = false }: NetworkTestOptions = {},
): void {
  const problem = networkProblem ?? (sshd ? sshdProblem : undefined);
  if (problem) name += ` (skipped: ${problem})`;
  Deno.test({ name, fn, ignore: problem !== undefined });
}

/** One host of a {@linkcode Network}, or the pool's side of it. */
export interface NetworkHost {
  /** Its network namespace; the pool's side has that of the test. */
  readonly namespace: string | undefined;
  /** Where the pool is reached by the hosts, and a host by the pool. */
  readonly address: string;
  /** The program and arguments that run a program on this host. */
  command(
    program: string,
    args?: readonly string[],
  ): [program: string, args: string[]];
}

/** What {@linkcode makeNetwork} has made. */
export interface Network extends AsyncDisposable {
  /** Where the test itself runs. */
  readonly pool: NetworkHost;
  readonly hosts: readonly NetworkHost[];
  /**
   * Has all that is sent from and to the host vanish without a trace: no end
   * of a connection is told, and its address still seems to be there.
   */
  cut(host: NetworkHost): Promise<void>;
  /** Undoes {@linkcode cut}. */
  restore(host: NetworkHost): Promise<void>;
  /**
   * Delays all that is sent from and to the host, if the kernel can do so.
   *
   * @returns Whether it can.
   */
  delay(host: NetworkHost, ms: number): Promise<boolean>;
}

/**
 * Makes a network. It is removed on disposal, with all processes on its hosts,
 * or when the test's process ends, or else when another one is made.
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

/** A {@linkcode NetworkHost} in a namespace, or not for the pool's side. */
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

  /** Owns the bridge of that name from now on. */
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
   * for good: asking for that of a host that is cut off would tell that it is.
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
   * The bridge drops what comes and goes; both sides see a working link. With
   * `ip` instead of `bridge` the port would be enabled again at once.
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

/** Makes a bridge of a new name: the kernel tells which are taken. */
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

/** The subnet of a bridge, as a number; unique as the kernel's index is. */
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

/** Removes the networks of processes that are gone. */
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
    // In a process group of its own, as ours may be killed as a whole.
    detached: true,
  }).spawn();
}

/** Has the remover begin, and waits for it. */
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
  // A program that has failed doesn't read; its output says why.
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
 * Why there can't be a {@linkcode Network} on this machine, if so. It is found
 * out by making one, for which all of the above is needed.
 */
export const networkProblem: string | undefined = await findProblem();
