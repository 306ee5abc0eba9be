import { HostError, type HostStep } from "../errors.ts";
import { DENO_PLACES, MIN_DENO } from "./ssh_script.ts";

interface Pattern {
  readonly found: RegExp;
  readonly step: HostStep;
  /** What happened, and the way out, for a host of this name. */
  readonly meaning: (host: string, match: RegExpMatchArray) => string;
}

/** What ssh, sshd and the script over there write, the surest signs first. */
const PATTERNS: readonly Pattern[] = [
  {
    found: /^distex: deno (.*)$/m,
    step: "deno",
    meaning: (host, [, path]) =>
      `there is no deno on ${host}: it was looked for in the PATH (${path}) and at ${
        DENO_PLACES.join(", ")
      }; install it, or give its path as the host's option 'deno'`,
  },
  {
    found: /^distex: no-run (.*)$/m,
    step: "deno",
    meaning: (host, [, what]) =>
      `deno can't be run on ${host} (${what}): check the host's option 'deno'`,
  },
  {
    found: /^distex: version (\S*) (.*)$/m,
    step: "version",
    meaning: (host, [, version, path]) =>
      `the deno on ${host} is too old: ${path} is version ${version}, and ${
        MIN_DENO.join(".")
      } or newer is needed; 'deno upgrade' over there brings it`,
  },
  {
    found: /^distex: folder$/m,
    step: "folder",
    meaning: (host) =>
      `${host} has no place for the pool's files: see to it that there is space and leave to write, or give another folder as the host's option 'tmpdir'`,
  },
  {
    found: /^distex: /m,
    step: "spawner",
    meaning: (host) => `the pool's program could not be started on ${host}`,
  },
  {
    found: /Could not resolve hostname/,
    step: "name",
    meaning: (host) =>
      `the host ${host} is not known: check its name in the host spec, or in ~/.ssh/config`,
  },
  {
    found: /REMOTE HOST IDENTIFICATION HAS CHANGED/,
    step: "host key",
    meaning: (host) =>
      `the host key of ${host} has changed: if the machine was set up anew, remove the old key with 'ssh-keygen -R'; if not, someone may be in between`,
  },
  {
    found: /Host key verification failed|No \S+ host key is known/,
    step: "host key",
    meaning: (host) =>
      `the host key of ${host} is not known here yet: log in once with ssh, and accept it`,
  },
  {
    found: /Permission denied \([a-z,-]+\)|Too many authentication failures/,
    step: "key",
    meaning: (host) =>
      `${host} did not accept a key: ssh must get in without asking, so put your public key there with 'ssh-copy-id', name the right one as the host's option 'identity', or run an ssh-agent if it has a passphrase`,
  },
  {
    found: /port forwarding failed(?: for listen path (.*)\/)?/,
    step: "forwarding",
    meaning: (host, [, folder = "/tmp"]) =>
      `${host} does not forward connections to the pool: either the folder ${folder} isn't there or isn't writable (the host's option 'tmpdir' names another), or its sshd doesn't let it, which needs AllowStreamLocalForwarding yes (or remote), no DisableForwarding, and no restriction on the key`,
  },
  {
    found:
      /^command-line(?: line \d+)?: |^usage: ssh |Bad (?:owner|configuration option)/m,
    step: "connection",
    meaning: () =>
      `ssh does not take its arguments: check the host's option 'sshArgs', and ~/.ssh/config`,
  },
  {
    found: /Connection refused/,
    step: "connection",
    meaning: (host) =>
      `${host} refused the connection: no ssh server listens at that port`,
  },
  {
    found:
      /timed out|No route to host|Network is unreachable|Host is down|Connection (?:reset|closed)|kex_exchange_identification/i,
    step: "connection",
    meaning: (host) => `${host} can't be reached by ssh`,
  },
  {
    found: /not responding|^Connection to .* closed|client_loop: /m,
    step: "connection",
    meaning: (host) => `the connection to ${host} ended`,
  },
];

/**
 * Says in the user's terms why an ssh host can't be used.
 *
 * @param host What the host is called.
 * @param words What ssh and the script over there have written to stderr.
 * @param otherwise What happened, if the words don't tell.
 */
export function explainSshFailure(
  host: string,
  words: string,
  otherwise: string,
): HostError {
  const quoted = words.trim().replace(/^/gm, "    ");
  const end = quoted.trim() === "" ? "" : `. ssh said:\n${quoted}`;
  const say = (step: HostStep, what: string) =>
    new HostError(host, step, `Can't use the host ${host}: ${what}${end}`);
  for (const { found, step, meaning } of PATTERNS) {
    const match = words.match(found);
    if (match !== null) return say(step, meaning(host, match));
  }
  return say("spawner", otherwise);
}
