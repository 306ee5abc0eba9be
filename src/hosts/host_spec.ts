import {
  checkNames,
  checkSecret,
  checkText,
  checkTexts,
  checkTextsByName,
  invalid,
} from "../option_checks.ts";
import { grantedBy, type WorkerPermissions } from "./permissions.ts";

/**
 * What can be said about another machine, beyond a host spec in one string.
 *
 * @example Usage
 * ```ts ignore
 * import { type HostOptions, Pool } from "@distex/pool";
 *
 * const hosts: HostOptions[] = [
 *   { host: "ssh://me@maxi/8", identity: "/home/me/.ssh/cluster" },
 *   { host: "mini", name: "small", token: Deno.env.get("POOL_TOKEN")! },
 * ];
 * await using pool = new Pool({ hosts });
 * console.log(await pool.options({ host: "small" }).run(() => Deno.hostname()));
 * ```
 */
export interface HostOptions {
  /** `[ssh://][username@]hostname[:port][/workers]`, IPv6 in brackets. */
  readonly host: string;
  /** How many workers run there; 0, the default, is one for each CPU. */
  readonly workers?: number;
  /** What the host is called in messages; the default is its host name. */
  readonly name?: string;
  /** ssh: the file of the private key to log in with. */
  readonly identity?: string;
  /**
   * ssh: further arguments for `ssh`. They come first, so that what `-o`, `-p`
   * and `-l` say there prevails; flags such as `-A` don't.
   */
  readonly sshArgs?: readonly string[];
  /** ssh: the path of `deno` over there; by default it is looked for. */
  readonly deno?: string;
  /** ssh: where temporary files go over there; the default is `"/tmp"`. */
  readonly tmpdir?: string;
  /**
   * Spawner server: its token, if it isn't the pool's `token`. White space
   * around it doesn't count.
   */
  readonly token?: string;
  /**
   * Spawner server: whether it is reached with TLS, and so is the pool. The
   * default is `false`.
   */
  readonly tls?: boolean | TlsOptions;
  /** What tasks may do there; the default is the pool's `permissions`. */
  readonly permissions?: WorkerPermissions;
  /**
   * Further arguments for `deno run` there, after the pool's `denoArgs`. All
   * users of that machine can see them.
   */
  readonly denoArgs?: readonly string[];
  /** Environment variables of workers there, besides the pool's `env`. */
  readonly env?: Readonly<Record<string, string>>;
  /**
   * The folder that workers start in there; the default is that in which ssh
   * begins, or in which the spawner server was started.
   */
  readonly cwd?: string;
}

/** What is accepted as the certificate of a spawner server. */
export interface TlsOptions {
  /**
   * The certificates (PEM) by one of which it must be signed; the default is
   * those that Deno trusts.
   */
  readonly caCerts?: readonly string[];
  /** The name it must be for; the default is the host name. */
  readonly serverName?: string;
}

/** A host spec, checked and complete. */
export interface HostSettings
  extends Omit<HostOptions, "host" | "workers" | "name"> {
  /** How the host is reached. */
  readonly kind: "ssh" | "spawner";
  /** What the host is called in messages. */
  readonly name: string;
  /** The user to log in as; the default is up to ssh. */
  readonly username: string | undefined;
  /** The host's name or address, without brackets. */
  readonly hostname: string;
  /** The port, if it was given. */
  readonly port: number | undefined;
  /** How many workers run there; 0 is one for each CPU. */
  readonly workers: number;
}

/** The longest path of a Unix socket that all systems take, in bytes. */
const MAX_TMPDIR = 103 - "/distex-/probe.sock".length - 32;

/** What `ssh -R` and Deno's permission flags take for nothing but a path. */
const TMPDIR = /^\/[^,:%$\\\p{Cc}]*$/u;

/** What the last part of a spec is called in messages. */
const WORKERS = "number of workers";

const EXPECTED = "[ssh://][username@]hostname[:port][/workers]";

const SSH_ONLY = ["identity", "sshArgs", "deno", "tmpdir"] as const;
const SPAWNER_ONLY = ["token", "tls"] as const;
const BOTH = ["permissions", "denoArgs", "env", "cwd"] as const;

/**
 * Reads host specs, one or many.
 *
 * @throws {TypeError} If there is no such option.
 * @throws {RangeError} If a part of a spec can't be read; it says which.
 */
export function parseHosts(
  specs: string | HostOptions | readonly (string | HostOptions)[],
): HostSettings[] {
  const list = Array.isArray(specs) ? specs : [specs];
  return list.map((spec) =>
    parseHost(typeof spec === "string" ? { host: spec } : spec)
  );
}

function parseHost(options: HostOptions): HostSettings {
  // Of a URL, `host` is something else.
  if (typeof options?.host !== "string" || options instanceof URL) {
    throw new TypeError(
      `A host must be a string like ${EXPECTED}, or an object with one as its 'host', and is ${
        describe(options)
      }`,
    );
  }
  const { host, workers: count, name: givenName, ...others } = options;
  const { kind, username, hostname, port, workers } = parseSpec(host);
  checkOptionNames(host, kind, others);
  checkValues(options);
  if (count !== undefined && workers !== undefined && count !== workers) {
    throw unreadable(host, WORKERS, `${count} and ${workers} at once`);
  }
  const wanted = count ?? workers ?? 0;
  if (!Number.isSafeInteger(wanted) || wanted < 0) {
    throw noCount(host, Deno.inspect(wanted));
  }
  const { token } = others;
  return {
    ...others,
    // In a file a line feed follows it.
    ...(token === undefined ? {} : { token: token.trim() }),
    kind,
    name: givenName ?? hostname,
    username,
    hostname,
    port,
    workers: wanted,
  };
}

/** What something is that is no host, without the values in it: the token. */
function describe(options: unknown): string {
  if (options === null) return "null";
  if (typeof options !== "object") return `of type ${typeof options}`;
  const name = options.constructor?.name ?? "Object";
  if (name !== "Object") return `of type ${name}`;
  const keys = Object.keys(options).map((key) => `'${key}'`).join(", ");
  return `an object with ${keys === "" ? "nothing in it" : keys}`;
}

interface Spec {
  readonly kind: "ssh" | "spawner";
  readonly username: string | undefined;
  readonly hostname: string;
  readonly port: number | undefined;
  readonly workers: number | undefined;
}

function parseSpec(spec: string): Spec {
  const [, scheme, rest = ""] = spec.match(/^(?:([^/]*):\/\/)?(.*)$/s)!;
  checkPassword(scheme, rest);
  if (scheme !== undefined && scheme !== "ssh") {
    throw unreadable(
      spec,
      "scheme",
      `"${scheme}://", and can only be "ssh://"`,
    );
  }
  const kind = scheme === "ssh" ? "ssh" : "spawner";
  const slash = rest.indexOf("/");
  const place = slash < 0 ? rest : rest.slice(0, slash);
  const at = place.lastIndexOf("@");
  const username = at < 0 ? undefined : place.slice(0, at);
  const [hostname, port] = splitPort(spec, place.slice(at + 1));
  checkHostname(spec, hostname);
  if (username !== undefined) checkUsername(spec, kind, username);
  return {
    kind,
    username,
    hostname,
    port: port === undefined ? undefined : portNumber(spec, port),
    workers: slash < 0 ? undefined : workerCount(spec, rest.slice(slash + 1)),
  };
}

/** No message has it, so it must be the first that is looked for. */
function checkPassword(scheme: string | undefined, rest: string): void {
  const colon = rest.indexOf(":");
  const at = rest.lastIndexOf("@");
  if (colon < 0 || at < colon) return;
  const prefix = scheme === undefined ? "" : `${scheme}://`;
  throw unreadable(
    `${prefix}${rest.slice(0, colon)}:…${rest.slice(at)}`,
    "username",
    "followed by a password, which can't be given: log in with a key (the host's option 'identity', or an ssh-agent)",
  );
}

function splitPort(
  spec: string,
  place: string,
): [hostname: string, port: string | undefined] {
  const bracketed = place.match(/^\[([^\]]*)\](?::(.*))?$/s);
  if (bracketed !== null) return [bracketed[1]!, bracketed[2]];
  if (place.startsWith("[")) return [place, undefined];
  const [hostname, port, ...more] = place.split(":");
  if (more.length > 0) {
    throw unreadable(
      spec,
      "hostname",
      `"${place}": an IPv6 address must be in brackets, as in [::1]`,
    );
  }
  return [hostname!, port];
}

function checkHostname(spec: string, hostname: string): void {
  if (/^[^\s\p{Cc}@/[\]-][^\s\p{Cc}@/[\]]*$/u.test(hostname)) return;
  throw unreadable(
    spec,
    "hostname",
    hostname === "" ? "missing" : `"${hostname}", which is no host name`,
  );
}

function checkUsername(spec: string, kind: string, username: string): void {
  if (username === "") throw unreadable(spec, "username", "empty");
  if (kind === "spawner") {
    throw unreadable(
      spec,
      "username",
      `"${username}", but a spawner server has no users: is ssh://${spec} meant?`,
    );
  }
  if (/^[^\s\p{Cc}-][^\s\p{Cc}]*$/u.test(username)) return;
  throw unreadable(spec, "username", `"${username}", which is no user's name`);
}

function portNumber(spec: string, text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port > 0 && port < 65_536) return port;
  throw unreadable(spec, "port", `"${text}", and must be from 1 to 65535`);
}

function workerCount(spec: string, text: string): number | undefined {
  if (text === "") return undefined;
  if (/^\d+$/.test(text)) return Number(text);
  throw noCount(spec, `"${text}"`);
}

function noCount(spec: string, found: string): RangeError {
  return unreadable(
    spec,
    WORKERS,
    `${found}, and must be a whole number, where 0 is one for each CPU`,
  );
}

function checkOptionNames(host: string, kind: string, others: object): void {
  const [own, foreign] = kind === "ssh"
    ? [SSH_ONLY, SPAWNER_ONLY]
    : [SPAWNER_ONLY, SSH_ONLY];
  const known: readonly string[] = ["host", "workers", "name", ...BOTH, ...own];
  for (const name of Object.keys(others)) {
    if (known.includes(name)) continue;
    const reason = (foreign as readonly string[]).includes(name)
      ? `the option '${name}' is for ${
        kind === "ssh" ? "spawner servers, not for ssh" : "ssh://…"
      }`
      : `there is no option '${name}'; there are ${known.join(", ")}`;
    throw new TypeError(`In the host "${host}" ${reason}`);
  }
}

function checkValues(options: HostOptions): void {
  const { host, name, identity, deno, tmpdir, token, sshArgs } = options;
  checkTmpdir(host, tmpdir);
  try {
    for (const [option, text] of Object.entries({ name, identity, deno })) {
      checkText(option, text);
    }
    checkSecret("token", token);
    checkTls(options.tls);
    checkTexts("sshArgs", sshArgs);
    checkWorkerOptions(options);
  } catch (cause) {
    const { message } = cause as Error;
    const OptionError = cause instanceof TypeError ? TypeError : RangeError;
    throw new OptionError(`In the host "${host}" ${message}`, { cause });
  }
}

function checkTls(tls: HostOptions["tls"]): void {
  if (tls === undefined || typeof tls === "boolean") return;
  if (typeof tls !== "object" || tls === null) {
    throw invalid("tls", tls, "true, false or an object");
  }
  checkNames("'tls'", tls, { caCerts: true, serverName: true });
  checkTexts("tls.caCerts", tls.caCerts);
  checkText("tls.serverName", tls.serverName);
}

/**
 * Checks that the options of workers, a pool's or a host's, have values that
 * they can have.
 *
 * @throws {TypeError} If there is no such permission.
 * @throws {RangeError} If one hasn't.
 */
export function checkWorkerOptions(
  { permissions, denoArgs, env, cwd }: Pick<HostOptions, typeof BOTH[number]>,
): void {
  if (permissions !== undefined) grantedBy(permissions);
  checkTexts("denoArgs", denoArgs);
  checkTextsByName("env", env);
  checkText("cwd", cwd);
}

function checkTmpdir(host: string, tmpdir: string | undefined): void {
  if (tmpdir === undefined) return;
  const byteLength = new TextEncoder().encode(tmpdir).length;
  if (TMPDIR.test(tmpdir) && byteLength <= MAX_TMPDIR) return;
  throw new RangeError(
    `In the host "${host}" the option 'tmpdir' must be an absolute path of at most ${MAX_TMPDIR} bytes without any of , : % $ \\ in it, and is ${
      Deno.inspect(tmpdir)
    }`,
  );
}

function unreadable(spec: string, part: string, found: string): RangeError {
  return new RangeError(
    `The host "${spec}" can't be read as ${EXPECTED}: its ${part} is ${found}`,
  );
}
