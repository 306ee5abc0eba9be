import type { HostStep } from "../errors/host_error.ts";
import type { HostSettings } from "../options/host_spec.ts";
import { SPAWNER_PORT } from "../transport/address.ts";

type Hints = Partial<Record<HostStep, string>>;

/** What may help if the connection is lost after the workers have started. */
export const LOST_HINT =
  "the host could be used for a moment: is the connection to it stable? Try it again, or with a longer --timeout";

/** What may help if this machine can't start the check. */
export const HERE_HINT =
  "this has to do with the machine you are at, not with the host";

/** What may help if the clocks differ much. */
export const CLOCK_HINT =
  "the clocks differ, which is no harm to the pool, but may be to your tasks: see to it that both machines run NTP";

/** What may help if a step fails, as commands to try. */
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
    "name": "check the spelling, or give the host's address instead",
    "connection":
      `'ssh -v ${there}' says more; --ssh-arg passes further arguments on to ssh`,
    "host key": `'ssh ${there}' in a terminal shows the key and asks about it`,
    "key":
      `'ssh-copy-id ${there}' lets your key in; --identity <file> names another key`,
    "forwarding":
      `'sshd -T | grep -i forwarding' as root on ${hostname} shows what it allows`,
    "folder":
      `'ssh ${there} df /tmp' shows what space there is; --tmpdir <folder> names another place`,
    "deno":
      `'ssh ${there} "curl -fsSL https://deno.land/install.sh | sh"' installs it; --deno <path> says where it is`,
    "version":
      `'ssh ${there} deno upgrade' brings a newer one; --deno <path> names another`,
    "spawner":
      `does 'ssh ${there} deno --version' answer at once? If the host is slow, try a longer --timeout`,
    "worker": "if the host is slow, try fewer workers or a longer --timeout",
  };
}

function spawnerHints({ hostname, port = SPAWNER_PORT }: HostSettings): Hints {
  const flags = port === SPAWNER_PORT ? "" : ` --port ${port}`;
  return {
    "name": "check the spelling, or give the host's address instead",
    "connection":
      `on ${hostname}, 'deno run -A jsr:@distex/pool/server --host 0.0.0.0 --token-file <file>${flags}' starts one that other machines can reach; a firewall there must let port ${port} through`,
    "host key":
      "--ca-cert <file> gives the certificate to trust, --tls-name <name> the name that is in it",
    "key":
      "--token-file <file> gives the token; the server has it from the file of the same option",
    "version":
      "use the same version of @distex/pool here and for the server there",
    "worker":
      `workers that have started connect back from ${hostname} to this machine: a firewall here must let them, or --listen-hostname and --listen-port must say where; if the host is slow or takes no more of them, try fewer workers or a longer --timeout`,
  };
}
