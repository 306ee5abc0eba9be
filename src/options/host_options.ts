import {
  checkNames,
  checkSecret,
  checkText,
  checkTexts,
  checkTextsByName,
  invalid,
} from "./option_checks.ts";
import { grantedBy, type WorkerPermissions } from "./worker_permissions.ts";

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
 * console.log(await pool.with({ host: "small" }).run(() => Deno.hostname()));
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

/** The longest path of a Unix socket that all systems take, in bytes. */
const MAX_TMPDIR = 103 - "/distex-/probe.sock".length - 32;

/** What `ssh -R` and Deno's permission flags take for nothing but a path. */
const TMPDIR = /^\/[^,:%$\\\p{Cc}]*$/u;

const SSH_ONLY = ["identity", "sshArgs", "deno", "tmpdir"] as const;
const SPAWNER_ONLY = ["token", "tls"] as const;
const BOTH = ["permissions", "denoArgs", "env", "cwd"] as const;

/**
 * Checks that there are no options but those of a kind of host, and that they
 * have values that they can have.
 *
 * @param kind How the host is reached.
 * @throws {TypeError} If there is no such option.
 * @throws {RangeError} If one has a value that it can't have.
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
