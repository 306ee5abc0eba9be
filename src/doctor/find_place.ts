import { deadline } from "@std/async/deadline";
import { lookup } from "node:dns/promises";
import type { HostSettings } from "../options/host_spec.ts";
import { SPAWNER_PORT } from "../transport/address.ts";

/** How long it may take to find out what is only nice to know. */
const TIMEOUT = 2_000;

const SSH_PORT = 22;

/** Where a host is, as far as that can be known without reaching it. */
export interface Place {
  /** Its host name, which may be another than the one in the spec. */
  readonly hostname: string;
  /** Its address, if the name is known here. */
  readonly address: string | undefined;
  /** The port that is connected to. */
  readonly port: number;
  /** The user that is logged in as, if that is known. */
  readonly user: string | undefined;
  /** The host or the command by way of which it is reached, if there is one. */
  readonly via: string | undefined;
}

/** Finds out where a host is, by the user's configuration of ssh too. */
export async function findPlace(settings: HostSettings): Promise<Place> {
  const { kind, hostname, port, username } = settings;
  const config = kind === "ssh"
    ? await readSshConfig(settings)
    : new Map<string, string>();
  const realName = config.get("hostname") ?? hostname;
  const via = config.get("proxyjump") ?? config.get("proxycommand");
  const realPort = kind === "ssh"
    ? Number(config.get("port") ?? port ?? SSH_PORT)
    : port ?? SPAWNER_PORT;
  return {
    hostname: realName,
    // From elsewhere the name may mean another machine, or none.
    address: via === undefined ? await addressOf(realName) : undefined,
    port: realPort,
    user: config.get("user") ?? username,
    via,
  };
}

/** What `ssh -G` says: options and their values, of each the first. */
async function readSshConfig(
  { hostname, port, username, sshArgs = [] }: HostSettings,
): Promise<Map<string, string>> {
  const options = new Map<string, string>();
  try {
    const { stdout } = await new Deno.Command("ssh", {
      args: [
        ...sshArgs,
        ...(username === undefined ? [] : ["-l", username]),
        ...(port === undefined ? [] : ["-p", String(port)]),
        "-G",
        "--",
        hostname,
      ],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
      signal: AbortSignal.timeout(TIMEOUT),
    }).output();
    for (const line of new TextDecoder().decode(stdout).split("\n")) {
      const [, name, value] = line.match(/^(\S+) (.*)$/) ?? [];
      if (name === undefined || options.has(name)) continue;
      options.set(name, value!);
    }
  } catch {
    // There is no ssh, of which the check itself tells.
  }
  return options;
}

async function addressOf(hostname: string): Promise<string | undefined> {
  try {
    return (await deadline(lookup(hostname), TIMEOUT)).address;
  } catch {
    return undefined;
  }
}
