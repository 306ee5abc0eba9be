import type { HostSettings } from "../../options/host_spec.ts";
import type { Address } from "../../transport/address.ts";
import type { PoolSocket } from "../pool_services.ts";
import { remoteCommand } from "./ssh_script.ts";

/** How often ssh checks that the server answers, in seconds. */
const ALIVE_INTERVAL = 5;

/** After how many checks without an answer ssh gives up. */
const ALIVE_COUNT = 3;

/** The parts of the command that aren't options of the host. */
export interface SshSession {
  /** The folder on the other machine; see {@linkcode sshFolder}. */
  readonly folder: string;
  /** The socket that the pool listens on. */
  readonly socket: PoolSocket;
  /** How long connecting may take, in milliseconds. */
  readonly timeout: number;
  /** The length of the pool's program, in bytes. */
  readonly programLength: number;
  /** The number that the program connects with. */
  readonly number: number;
}

/**
 * Returns the folder on the other machine.
 *
 * @param suffix What makes it unique.
 */
export function sshFolder({ tmpdir }: HostSettings, suffix: string): string {
  return `${tmpdir ?? "/tmp"}/distex-${suffix}`;
}

/** Returns the command that makes the tunnel and runs the program there. */
export function sshCommand(
  settings: HostSettings,
  session: SshSession,
): string[] {
  const { username, port, identity, sshArgs = [], hostname, deno = "" } =
    settings;
  const { folder, socket, timeout, programLength, number } = session;
  // Nothing listens there: ssh closes a connection to it at once.
  const nothing = `${socket.folder}/nothing`;
  const options = [
    "BatchMode=yes",
    "ExitOnForwardFailure=yes",
    // One second less leaves ssh the time to report its own timeout.
    `ConnectTimeout=${Math.max(1, Math.ceil(timeout / 1_000) - 1)}`,
    `ServerAliveInterval=${ALIVE_INTERVAL}`,
    `ServerAliveCountMax=${ALIVE_COUNT}`,
    "ControlMaster=no",
    "ControlPath=none",
    "PermitLocalCommand=no",
    "RemoteCommand=none",
  ];
  return [
    "ssh",
    // ssh uses the first value that it finds for each option.
    ...sshArgs,
    "-Tax",
    ...options.flatMap((option) => ["-o", option]),
    ...(username === undefined ? [] : ["-l", username]),
    ...(port === undefined ? [] : ["-p", String(port)]),
    ...(identity === undefined ? [] : identityArguments(identity)),
    "-R",
    `${folder}.sock:${forwardTarget(socket.address)}`,
    "-R",
    `${folder}.probe:${forwardPath(nothing)}`,
    "--",
    hostname,
    remoteCommand(folder, deno, programLength, number),
  ];
}

/**
 * A percent sign begins a token for ssh. It must be doubled, but `-i` then looks
 * for a file with the doubled sign.
 */
function identityArguments(path: string): string[] {
  if (!path.includes("%")) return ["-i", path];
  const quoted = path.replaceAll("%", "%%").replace(/["\\]/g, "\\$&");
  return ["-o", `IdentityFile="${quoted}"`];
}

function forwardTarget(address: Address): string {
  return address.transport === "unix"
    ? forwardPath(address.path)
    : `${address.hostname}:${address.port}`;
}

/** Quotes a path for `-R`: a colon would end it, a percent sign begins a token. */
function forwardPath(path: string): string {
  return path.replace(/[\\:]/g, "\\$&").replaceAll("%", "%%");
}
