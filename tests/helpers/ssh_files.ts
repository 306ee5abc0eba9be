/**
 * The files that ssh and sshd read, and the paths of these programs.
 *
 * @module
 */

import type { SshServerOptions } from "./ssh_server.ts";

const IS_ROOT = Deno.build.os === "linux" && Deno.uid() === 0;

/** The variable that marks the processes that a session has started. */
const MARKER = "DISTEX_TEST_SSHD";

/** The path of sshd, if there is one. */
export const SSHD = findProgram("sshd");

/** Returns the configuration of an sshd that has its files in a folder. */
export function configPath(folder: string): string {
  return `${folder}/sshd_config`;
}

/** The environment variable that marks a session. */
export function mark(folder: string): string {
  return `${MARKER}=${folder}`;
}

/** Makes the keys, and the files that ssh and sshd read. */
export async function writeFiles(
  folder: string,
  address: string,
  options: SshServerOptions,
): Promise<void> {
  await Promise.all(["identity", "host_key", "other_key"].map((name) => {
    const path = `${folder}/${name}`;
    return run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path);
  }));
  await Promise.all([
    Deno.copyFile(`${folder}/identity.pub`, `${folder}/authorized_keys`),
    writeKnownHosts(folder, "known_hosts", "host_key"),
    writeKnownHosts(folder, "changed_hosts", "other_key"),
    Deno.writeTextFile(`${folder}/no_hosts`, ""),
    writeConfig(folder, address, options),
  ]);
}

/** For all hosts: it also applies to a relay in front of the server. */
async function writeKnownHosts(
  folder: string,
  name: string,
  key: string,
): Promise<void> {
  const publicKey = await Deno.readTextFile(`${folder}/${key}.pub`);
  await Deno.writeTextFile(`${folder}/${name}`, `* ${publicKey}`);
}

async function writeConfig(
  folder: string,
  address: string,
  { config = [], env = {} }: SshServerOptions,
): Promise<void> {
  const variables = Object.entries({ ...defaultEnv(folder), ...env })
    .map(([name, value]) => `${name}=${value}`);
  const path = configPath(folder);
  const lines = [
    ...config,
    `ListenAddress ${address}`,
    `HostKey ${quote(`${folder}/host_key`)}`,
    `AuthorizedKeysFile ${quote(`${folder}/authorized_keys`)}`,
    "PidFile none",
    "LogLevel VERBOSE",
    "UsePAM no",
    "StrictModes no",
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    "PermitUserRC no",
    "PrintMotd no",
    "PrintLastLog no",
    // By default, sshd refuses some of many simultaneous connections at random.
    "MaxStartups 1000",
    "MaxSessions 1000",
    // Only the first of these lines counts.
    `SetEnv ${[mark(folder), ...variables].map(quote).join(" ")}`,
  ];
  await Deno.writeTextFile(path, `${lines.join("\n")}\n`);
  // As root, sshd needs this folder, which the system's service may have made.
  if (IS_ROOT) await Deno.mkdir("/run/sshd", { recursive: true, mode: 0o755 });
  // Newer versions block clients for a while if they fail often; older ones don't know
  // the option.
  const option = "PerSourcePenalties no";
  const args = ["-t", "-f", path, "-o", option];
  const { success } = await new Deno.Command(SSHD!, { args, stderr: "null" })
    .output();
  if (success) await Deno.writeTextFile(path, `${option}\n`, { append: true });
}

function defaultEnv(folder: string): Record<string, string> {
  const { DENO_DIR, XDG_CACHE_HOME, HOME } = Deno.env.toObject();
  const bin = Deno.execPath().replace(/\/[^/]*$/, "");
  return {
    HOME: folder,
    PATH: `${bin}:/usr/local/bin:/usr/bin:/bin`,
    DENO_DIR: DENO_DIR ?? `${XDG_CACHE_HOME ?? `${HOME}/.cache`}/deno`,
  };
}

function quote(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

/** Finds a program, also in folders that only administrators have in their PATH. */
export function findProgram(name: string): string | undefined {
  const folders = (Deno.env.get("PATH") ?? "").split(":");
  return [...folders, "/usr/sbin", "/usr/local/sbin"]
    .map((folder) => `${folder}/${name}`)
    .find((path) => path.startsWith("/") && isFile(path));
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

async function run(program: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args })
    .output();
  if (success) return;
  throw new Error(`${program}: ${new TextDecoder().decode(stderr)}`);
}
