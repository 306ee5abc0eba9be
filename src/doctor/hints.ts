import type { HostStep } from "../errors/host_error.ts";
import type { HostSettings } from "../options/host_spec.ts";
import { SPAWNER_PORT } from "../transport/address.ts";

type Hints = Partial<Record<HostStep, string>>;

/** The hint if the connection is lost after the workers have started. */
export const LOST_HINT =
  "the workers started, but then the connection was lost: check that it is stable, and try again, perhaps with a longer --timeout";

/** The hint if the check fails on this machine, before it reaches the host. */
export const HERE_HINT = "the problem is on this machine, not on the host";

/** The hint if the clocks differ a lot. */
export const CLOCK_HINT =
  "the clocks differ: this doesn't affect the pool, but it may affect your tasks; run NTP on both machines";

/** Returns the hint for a step that failed, such as commands to try. */
export function hintFor(
  settings: HostSettings,
  step: HostStep,
): string | undefined {
  const hints = settings.kind === "ssh"
    ? sshHints(settings)
    : spawnerHints(settings);
  return hints[step];
}

function sshHints({ hostname, username, port }: HostSettings): Hints {
  const there = [
    ...(port === undefined ? [] : ["-p", port]),
    username === undefined ? hostname : `${username}@${hostname}`,
  ].join(" ");
  return {
    "name": "check the spelling, or use the host's address instead",
    "connection":
      `'ssh -v ${there}' prints more; --ssh-arg passes extra arguments to ssh`,
    "host key": `run 'ssh ${there}' in a terminal once, and accept the key`,
    "key":
      `'ssh-copy-id ${there}' installs your key; --identity <file> uses another key`,
    "forwarding":
      `'sshd -T | grep -i forwarding', run as root on ${hostname}, prints what it allows`,
    "folder":
      `'ssh ${there} df /tmp' prints the free space; --tmpdir <folder> uses another folder`,
    "deno":
      `'ssh ${there} "curl -fsSL https://deno.land/install.sh | sh"' installs it; --deno <path> gives its path`,
    "version":
      `'ssh ${there} deno upgrade' updates it; --deno <path> uses another`,
    "spawner":
      `check that 'ssh ${there} deno --version' works; if the host is slow, try a longer --timeout`,
    "worker": "if the host is slow, try fewer workers or a longer --timeout",
  };
}

function spawnerHints({ hostname, port = SPAWNER_PORT }: HostSettings): Hints {
  const flags = port === SPAWNER_PORT ? "" : ` --port ${port}`;
  return {
    "name": "check the spelling, or use the host's address instead",
    "connection":
      `on ${hostname}, 'deno run -A jsr:@distex/pool/server --host 0.0.0.0 --token-file <file>${flags}' starts a server that other machines can reach; a firewall there must let port ${port} through`,
    "host key":
      "--ca-cert <file> gives the certificate to trust, --tls-name <name> the name in it",
    "key":
      "--token-file <file> must have the same token as the server's own --token-file",
    "version": "use the same version of @distex/pool here and for the server",
    "worker":
      `workers on ${hostname} connect back to this machine: let them through a firewall here, or set the address with --listen-hostname and --listen-port; if the host is slow or its limit of workers is reached, try fewer workers or a longer --timeout`,
  };
}
