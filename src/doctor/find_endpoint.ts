import { deadline } from "@std/async/deadline";
import { lookup } from "node:dns/promises";
import type { HostSettings } from "../options/host_spec.ts";
import { SPAWNER_PORT } from "../transport/address.ts";

/** The time limit for each lookup, in milliseconds. */
const TIMEOUT = 2_000;

const SSH_PORT = 22;

/** The address of a host, as far as it can be found without connecting. */
export interface Endpoint {
  /** The host name, which ssh's configuration may replace. */
  readonly hostname: string;
  /** The IP address, if this machine can resolve the name. */
  readonly address: string | undefined;
  /** The port. */
  readonly port: number;
  /** The user to log in as, if it is known. */
  readonly user: string | undefined;
  /** The jump host or the proxy command, if there is one. */
  readonly via: string | undefined;
}

/** Looks up a host's address, also in the user's ssh configuration. */
export async function findEndpoint(settings: HostSettings): Promise<Endpoint> {
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
    // The jump host may resolve the name differently.
    address: via === undefined ? await addressOf(realName) : undefined,
    port: realPort,
    user: config.get("user") ?? username,
    via,
  };
}

/** Reads the options that `ssh -G` prints, and the first value of each. */
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
    // The check itself reports that there is no ssh.
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
