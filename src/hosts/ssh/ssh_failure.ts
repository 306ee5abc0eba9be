import { HostError, type HostStep } from "../../errors/host_error.ts";
import { DENO_PLACES, MIN_DENO } from "./ssh_script.ts";

interface Pattern {
  readonly found: RegExp;
  readonly step: HostStep;
  /** What happened, and the way out, for a host of this name. */
  readonly meaning: (host: string, match: RegExpMatchArray) => string;
}

/**
 * What ssh and the script over there write, the surest signs first. They are at
 * the beginning of lines, as there may be anything in the banner of a server.
 */
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
    found: /^ssh: Could not resolve hostname/m,
    step: "name",
    meaning: (host) =>
      `the host ${host} is not known: check its name in the host spec, or in ~/.ssh/config`,
  },
  {
    found: /^@ +WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED/m,
    step: "host key",
    meaning: (host) =>
      `the host key of ${host} has changed: if the machine was set up anew, remove the old key with 'ssh-keygen -R'; if not, someone may be in between`,
  },
  {
    found: /^Host key verification failed|^No \S+ host key is known for /m,
    step: "host key",
    meaning: (host) =>
      `the host key of ${host} is not known here yet: log in once with ssh, and accept it`,
  },
  {
    found:
      /^(?:\S+@\S+: )?Permission denied \([a-z,-]+\)|^Received disconnect from .*: Too many authentication failures/m,
    step: "key",
    meaning: (host) =>
      `${host} did not accept a key: ssh must get in without asking, so put your public key there with 'ssh-copy-id', name the right one as the host's option 'identity', or run an ssh-agent if it has a passphrase`,
  },
  {
    found:
      /^(?:Error|Warning): remote port forwarding failed(?: for listen path (.*)\/)?/m,
    step: "forwarding",
    meaning: (host, [, folder = "/tmp"]) =>
      `${host} does not forward connections to the pool: either the folder ${folder} isn't there or isn't writable (the host's option 'tmpdir' names another), or its sshd doesn't let it, which needs AllowStreamLocalForwarding yes (or remote), no DisableForwarding, and no restriction on the key`,
  },
  {
    found:
      /^command-line(?: line \d+)?: |^usage: ssh |^Bad owner or permissions on |^\S+: line \d+: Bad configuration option/m,
    step: "connection",
    meaning: () =>
      `ssh does not take its arguments: check the host's option 'sshArgs', and ~/.ssh/config`,
  },
  {
    found: /^Unable to negotiate with .*: no matching (.*) found/m,
    step: "connection",
    meaning: (host, [, kind]) =>
      `ssh and the server of ${host} have no algorithm in common (${kind}): allow one of its offer by the host's option 'sshArgs', or in ~/.ssh/config`,
  },
  {
    found:
      /^(?:ssh: connect to host .*|channel \d+: open failed: connect failed): Connection refused/m,
    step: "connection",
    meaning: (host) =>
      `${host} refused the connection: no ssh server listens at that port`,
  },
  {
    found:
      /^(?:ssh: connect to host |channel \d+: open failed: |kex_exchange_identification: |ssh_exchange_identification: |banner exchange: |Connection (?:closed|reset) by |Connection timed out during banner exchange|Connection to .* timed out)/m,
    step: "connection",
    meaning: (host) => `${host} can't be reached by ssh`,
  },
  {
    found:
      /^(?:Timeout, server .* not responding|Connection to .* closed|client_loop: |Read from remote host )/m,
    step: "connection",
    meaning: (host) => `the connection to ${host} ended`,
  },
];

/** What went wrong as far as is known without words. */
export interface Otherwise {
  /** What failed. */
  readonly step: HostStep;
  /** What happened. */
  readonly what: string;
}

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
  otherwise: Otherwise,
): HostError {
  const quoted = words.trim().replace(/^/gm, "    ");
  const end = quoted.trim() === "" ? "" : `. ssh said:\n${quoted}`;
  const say = (step: HostStep, what: string) =>
    new HostError(host, step, `Can't use the host ${host}: ${what}${end}`);
  for (const { found, step, meaning } of PATTERNS) {
    const match = words.match(found);
    if (match !== null) return say(step, meaning(host, match));
  }
  return say(otherwise.step, otherwise.what);
}
