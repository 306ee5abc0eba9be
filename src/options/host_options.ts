import {
  checkBoolean,
  checkNames,
  checkObject,
  checkSecret,
  checkString,
  checkStringRecord,
  checkStrings,
  wrongType,
} from "./option_checks.ts";
import { parsePlace, type PlaceOptions } from "./place.ts";
import { RENAMED_HOST_OPTIONS } from "./renamed_options.ts";
import type { WorkerCount } from "./worker_count.ts";
import { grantedBy, type WorkerPermissions } from "./worker_permissions.ts";

/**
 * The options of another machine.
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
 * console.log(await pool.with({ host: "small" }).run(() => Deno.hostname()));
 * ```
 */
export interface HostOptions extends PlaceOptions {
  /** `[ssh://][username@]hostname[:port][/workers]`, IPv6 in brackets. */
  readonly host: string;
  /**
   * How many workers run there: a number, or a range within which it changes
   * with the work. 0 means one per CPU of that machine.
   *
   * @default {0}
   */
  readonly workers?: WorkerCount;
  /**
   * The host's name in messages, in {@linkcode Pool.stats} and in the option
   * `host` of calls. The default is the host name.
   */
  readonly name?: string;
  /** ssh: the file of the private key to log in with. */
  readonly identity?: string;
  /**
   * ssh: extra arguments for `ssh`. They come first, so `-o`, `-p` and `-l` in
   * them override the pool's. Flags such as `-A` don't.
   *
   * @default {[]}
   */
  readonly sshArgs?: readonly string[];
  /** ssh: the path of `deno` there. By default, the pool searches for it. */
  readonly deno?: string;
  /**
   * ssh: the folder for temporary files there.
   *
   * @default {"/tmp"}
   */
  readonly tmpdir?: string;
  /**
   * Spawner server: its token. White space around it is ignored. The default
   * is the pool's `token`.
   */
  readonly token?: string;
  /**
   * Spawner server: whether the connections to it, and those of its workers
   * back to the pool, use TLS.
   *
   * @default {false}
   */
  readonly tls?: boolean | TlsOptions;
  /**
   * What tasks may do there. The default is the pool's `permissions`.
   */
  readonly permissions?: WorkerPermissions;
  /**
   * Extra arguments for `deno run` there, after the pool's `denoArgs`. All
   * users of that machine can see them.
   *
   * @default {[]}
   */
  readonly denoArgs?: readonly string[];
  /**
   * Environment variables of workers there, added to the pool's `env`.
   *
   * @default {{}}
   */
  readonly env?: Readonly<Record<string, string>>;
  /**
   * The working directory of workers there. The default is the directory in
   * which ssh runs commands, or in which the spawner server was started.
   */
  readonly cwd?: string;
  /**
   * Whether the workers there share one connection to the pool, that of their
   * spawner, which passes on what they send. Use it for many workers, or if
   * each connection is expensive. Large values take a little longer.
   *
   * @default {false}
   */
  readonly fanout?: boolean;
}

/**
 * Which certificate a spawner server must have.
 *
 * @example Usage
 * ```ts ignore
 * import { Pool, type TlsOptions } from "@distex/pool";
 *
 * const tls: TlsOptions = { caCerts: [Deno.readTextFileSync("ca.pem")] };
 * await using pool = new Pool({ workers: 0, hosts: { host: "mini", tls } });
 * ```
 */
export interface TlsOptions {
  /**
   * Certificates (PEM), one of which must have signed the server's. The
   * default is the certificates that Deno trusts.
   */
  readonly caCerts?: readonly string[];
  /** The name in the server's certificate. The default is the host name. */
  readonly serverName?: string;
}

/** The longest `tmpdir` in which the path of a Unix socket fits on any system. */
const MAX_TMPDIR_BYTES = 103 - "/distex-/probe.sock".length - 32;

/** A path that `ssh -R` and Deno's permission flags take literally. */
const LITERAL_PATH = /^\/[^,:%$\\\p{Cc}]*$/u;

const SSH_ONLY = ["identity", "sshArgs", "deno", "tmpdir"] as const;
const SPAWNER_ONLY = ["token", "tls"] as const;
const BOTH = [
  "permissions",
  "denoArgs",
  "env",
  "cwd",
  "labels",
  "resources",
  "fanout",
] as const;

/**
 * Checks the options of a host.
 *
 * @param kind How the host is reached.
 * @throws {TypeError} If an option doesn't exist, isn't for this kind of host,
 * or has the wrong type.
 * @throws {RangeError} If an option is out of range.
 */
export function checkHostOptions(
  options: HostOptions,
  kind: "ssh" | "spawner",
): void {
  checkOptionNames(options, kind);
  checkValues(options);
}

function checkOptionNames(
  { host, ...others }: HostOptions,
  kind: "ssh" | "spawner",
): void {
  const [own, foreign] = kind === "ssh"
    ? [SSH_ONLY, SPAWNER_ONLY]
    : [SPAWNER_ONLY, SSH_ONLY];
  const known: readonly string[] = ["host", "workers", "name", ...BOTH, ...own];
  for (const name of Object.keys(others)) {
    if (known.includes(name)) continue;
    const why = (foreign as readonly string[]).includes(name)
      ? foreignOption(name, kind)
      : unknownOption(name, known);
    throw new TypeError(`In the host "${host}" ${why}`);
  }
}

function foreignOption(name: string, kind: "ssh" | "spawner"): string {
  const hosts = kind === "ssh" ? "spawner servers, not for ssh" : "ssh://…";
  return `the option '${name}' is for ${hosts}`;
}

function unknownOption(name: string, known: readonly string[]): string {
  const instead = RENAMED_HOST_OPTIONS.get(name);
  return instead === undefined
    ? `there is no option '${name}'; there are ${known.join(", ")}`
    : `there is no option '${name}': ${instead}`;
}

function checkValues(options: HostOptions): void {
  const { host, name, identity, deno, tmpdir, token, sshArgs } = options;
  try {
    for (
      const [option, text] of Object.entries({ name, identity, deno, tmpdir })
    ) {
      checkString(option, text);
    }
    checkTmpdir(tmpdir);
    checkSecret("token", token);
    checkTls(options.tls);
    checkStrings("sshArgs", sshArgs);
    checkWorkerOptions(options);
    parsePlace(options);
  } catch (cause) {
    throw inHost(host, cause);
  }
}

/** Makes the error for an option of a host from the one for the option. */
export function inHost(host: string, cause: unknown): Error {
  const { message } = cause as Error;
  const OptionError = cause instanceof TypeError ? TypeError : RangeError;
  return new OptionError(`In the host "${host}" ${message}`, { cause });
}

function checkTls(tls: HostOptions["tls"]): void {
  if (tls === undefined || typeof tls === "boolean") return;
  if (typeof tls !== "object" || tls === null) {
    throw wrongType("tls", tls, "true, false or an object");
  }
  checkObject("'tls'", tls);
  checkNames("'tls'", tls, { caCerts: true, serverName: true });
  checkStrings("tls.caCerts", tls.caCerts);
  checkString("tls.serverName", tls.serverName);
}

/**
 * Checks the options of workers that both a pool and a host have.
 *
 * @throws {TypeError} If a permission doesn't exist, or an option has the
 * wrong type.
 * @throws {RangeError} If an option is out of range.
 */
export function checkWorkerOptions(
  { permissions, denoArgs, env, cwd, fanout }: Pick<
    HostOptions,
    "permissions" | "denoArgs" | "env" | "cwd" | "fanout"
  >,
): void {
  if (permissions !== undefined) grantedBy(permissions);
  checkStrings("denoArgs", denoArgs);
  checkStringRecord("env", env);
  checkString("cwd", cwd);
  if (fanout !== undefined) checkBoolean("fanout", fanout);
}

function checkTmpdir(tmpdir: string | undefined): void {
  if (tmpdir === undefined) return;
  const byteLength = new TextEncoder().encode(tmpdir).length;
  if (LITERAL_PATH.test(tmpdir) && byteLength <= MAX_TMPDIR_BYTES) return;
  throw new RangeError(
    `the option 'tmpdir' must be an absolute path of at most ${MAX_TMPDIR_BYTES} bytes without the characters , : % $ \\ and control characters, but is ${
      Deno.inspect(tmpdir)
    }`,
  );
}
