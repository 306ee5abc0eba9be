/**
 * The failures of `ssh`, and of the script that it runs on the host.
 *
 * ssh exits with 255 for every failure, so only its stderr shows the reason.
 * Only this file reads it. It matches the messages of OpenSSH, which are
 * constants in OpenSSH's source and are never translated: OpenSSH sets the
 * locale of characters only. The script's own failures have codes.
 *
 * @see {@link https://github.com/openssh/openssh-portable}
 *
 * @module
 */

import { HostError, type HostStep } from "../../errors/host_error.ts";
import { DENO_PLACES, MIN_DENO, type ScriptFailureCode } from "./ssh_script.ts";

/** A message of OpenSSH, and its meaning. */
interface SshMessage {
  /** Matches only at the start of a line: a server's banner may say anything. */
  readonly message: RegExp;
  readonly step: HostStep;
  /** Returns the reason and the way out, for the name of a host. */
  readonly meaning: (host: string, match: RegExpMatchArray) => string;
}

/** The messages of OpenSSH, with the most specific first. */
const SSH_MESSAGES: readonly SshMessage[] = [
  {
    message: /^ssh: Could not resolve hostname/m,
    step: "name",
    meaning: (host) =>
      `the host ${host} is not known: check its name in the host spec, or in ~/.ssh/config`,
  },
  {
    message: /^@ +WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED/m,
    step: "host key",
    meaning: (host) =>
      `the host key of ${host} has changed: if the machine was reinstalled, remove the old key with 'ssh-keygen -R'; if not, someone may be intercepting the connection`,
  },
  {
    message: /^Host key verification failed|^No \S+ host key is known for /m,
    step: "host key",
    meaning: (host) =>
      `the host key of ${host} is not known here yet: log in once with ssh, and accept it`,
  },
  {
    message:
      /^(?:\S+@\S+: )?Permission denied \([a-z,-]+\)|^Received disconnect from .*: Too many authentication failures/m,
    step: "key",
    meaning: (host) =>
      `${host} did not accept a key, and ssh must log in without a prompt: install your public key there with 'ssh-copy-id', name another key with the host's option 'identity', or run an ssh-agent if the key has a passphrase`,
  },
  {
    message:
      /^(?:Error|Warning): remote port forwarding failed(?: for listen path (.*)\/)?/m,
    step: "forwarding",
    meaning: (host, [, folder = "/tmp"]) =>
      `${host} does not forward connections to the pool: either the folder ${folder} doesn't exist or isn't writable (the host's option 'tmpdir' names another), or its sshd forbids it: it needs AllowStreamLocalForwarding yes (or remote), no DisableForwarding, and no restriction on the key`,
  },
  {
    message:
      /^command-line(?: line \d+)?: |^usage: ssh |^Bad owner or permissions on |^\S+: line \d+: Bad configuration option/m,
    step: "connection",
    meaning: () =>
      `ssh refused its arguments: check the host's option 'sshArgs', and ~/.ssh/config`,
  },
  {
    message: /^Unable to negotiate with .*: no matching (.*) found/m,
    step: "connection",
    meaning: (host, [, kind]) =>
      `ssh and the server of ${host} have no algorithm in common (${kind}): allow one that the server offers with the host's option 'sshArgs', or in ~/.ssh/config`,
  },
  {
    message:
      /^(?:ssh: connect to host .*|channel \d+: open failed: connect failed): Connection refused/m,
    step: "connection",
    meaning: (host) =>
      `${host} refused the connection: no ssh server listens on that port`,
  },
  {
    message:
      /^(?:ssh: connect to host |channel \d+: open failed: |kex_exchange_identification: |ssh_exchange_identification: |banner exchange: |Connection (?:closed|reset) by |Connection timed out during banner exchange|Connection to .* timed out)/m,
    step: "connection",
    meaning: (host) => `${host} can't be reached by ssh`,
  },
  {
    message:
      /^(?:Timeout, server .* not responding|Connection to .* closed|client_loop: |Read from remote host )/m,
    step: "connection",
    meaning: (host) => `the connection to ${host} ended`,
  },
];

/** A failure of the script, and its meaning. */
interface ScriptFailure {
  readonly step: HostStep;
  /** Returns the reason and the way out, for the name of a host. */
  readonly meaning: (host: string, detail: string) => string;
}

/** The failures of the script, by code. */
const SCRIPT_FAILURES: Readonly<Record<ScriptFailureCode, ScriptFailure>> = {
  "no-deno": {
    step: "deno",
    meaning: (host, path) =>
      `there is no deno on ${host}: it is neither in the PATH (${path}) nor at ${
        DENO_PLACES.join(", ")
      }; install it, or give its path as the host's option 'deno'`,
  },
  "no-run": {
    step: "deno",
    meaning: (host, reason) =>
      `deno can't be run on ${host} (${reason}): check the host's option 'deno'`,
  },
  "version": {
    step: "version",
    meaning: (host, version) =>
      `the deno on ${host} is too old: it is version ${version}, and ${
        MIN_DENO.join(".")
      } or newer is needed; run 'deno upgrade' there`,
  },
  "folder": {
    step: "folder",
    meaning: (host) =>
      `the pool's files can't be written on ${host}: free disk space and allow writing there, or name another folder with the host's option 'tmpdir'`,
  },
};

/** The line in which the script reports its failure. */
const SCRIPT_FAILURE = /^distex: (\S+)(?: (.*))?$/m;

/** The line that ssh writes for each probe of the tunnel; this isn't a failure. */
const PROBE_MESSAGE = /^connect to .*\/nothing port -2 failed/;

/** A step that failed, and why. */
export interface Fallback {
  /** The step that failed. */
  readonly step: HostStep;
  /** The reason. */
  readonly reason: string;
}

/** Whether a line of ssh's stderr is about a probe of the tunnel. */
export function isProbeMessage(line: string): boolean {
  return PROBE_MESSAGE.test(line);
}

/**
 * Explains to the user why an ssh host can't be used.
 *
 * @param host The name of the host.
 * @param stderr The output of ssh and the script.
 * @param fallback The failure if stderr doesn't show a known one.
 */
export function explainSshFailure(
  host: string,
  stderr: string,
  fallback: Fallback,
): HostError {
  const { step, reason } = scriptFailure(host, stderr) ??
    sshFailure(host, stderr) ?? fallback;
  const quoted = stderr.trim().replace(/^/gm, "    ");
  const end = quoted.trim() === "" ? "" : `. ssh said:\n${quoted}`;
  return new HostError(
    host,
    step,
    `Can't use the host ${host}: ${reason}${end}`,
  );
}

function scriptFailure(host: string, stderr: string): Fallback | undefined {
  const [, code = "", detail = ""] = stderr.match(SCRIPT_FAILURE) ?? [];
  if (!Object.hasOwn(SCRIPT_FAILURES, code)) return undefined;
  const { step, meaning } = SCRIPT_FAILURES[code as ScriptFailureCode];
  return { step, reason: meaning(host, detail) };
}

function sshFailure(host: string, stderr: string): Fallback | undefined {
  for (const { message, step, meaning } of SSH_MESSAGES) {
    const match = stderr.match(message);
    if (match !== null) return { step, reason: meaning(host, match) };
  }
  return undefined;
}
