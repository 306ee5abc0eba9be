import { parseArgs } from "@std/cli/parse-args";
import { parseClusterSpec } from "../options/cluster_settings.ts";
import type { HostOptions } from "../options/host_options.ts";
import {
  type AnyHostOptions,
  parseAnyHost,
  parseAnyHosts,
} from "../options/any_host.ts";
import type { CheckOptions } from "./check_host.ts";

const DEFAULT_TIMEOUT = 30;
const MAX_TIMEOUT = 3_600;

/** The text for `--help`. */
export const HELP =
  `Checks step by step whether a pool can use hosts, and measures their speed.

Usage: deno run -A jsr:@distex/pool/doctor [options] <host>...

Write a host as for a pool, [ssh://][username@]hostname[:port][/workers]: for
example ssh://maxi/8 for ssh, or mini/2 for a spawner server. Clusters are
slurm://partition, sge://queue, pbs://queue, kubernetes://namespace,
docker://image and podman://image; the doctor asks them for one job. A host can
also be its options in JSON: '{"host": "slurm://short", "account": "biology"}'.

Options:
  --timeout <seconds>     Time limit for the workers of a host to connect;
                          ${DEFAULT_TIMEOUT} by default
  --json                  Print the report as one JSON document
  --help                  Print this help

For ssh:
  --identity <file>       Private key to log in with
  --ssh-arg=<argument>    Extra argument for ssh; can be repeated
  --deno <path>           Path of deno on the host
  --tmpdir <folder>       Folder for temporary files on the host

For spawner servers:
  --token-file <file>     File with the server's token
  --tls                   Use TLS
  --ca-cert <file>        Use TLS, and trust the certificates (PEM) in the file
  --tls-name <name>       Use TLS, with this name in the server's certificate

For spawner servers and clusters:
  --listen-hostname <address>
                          Address of this machine that workers connect to; with
                          0.0.0.0 (all IPv4) or :: (all), the address that the
                          server sees, or this machine's name for clusters
  --listen-port <port>    Port of this machine that workers connect to

The exit code is 0 if all hosts can be used, 1 if one has a problem, and 2 if
the command line is wrong.
`;

const SSH_FLAGS = ["identity", "ssh-arg", "deno", "tmpdir"] as const;
const SPAWNER_FLAGS = ["token-file", "ca-cert", "tls-name"] as const;
const LISTEN_FLAGS = ["listen-hostname", "listen-port"] as const;
const VALUED = [
  "timeout",
  ...SSH_FLAGS,
  ...SPAWNER_FLAGS,
  ...LISTEN_FLAGS,
] as const;

type Valued = typeof VALUED[number];

/** The parsed command line. */
export interface Request {
  /** The hosts to check. */
  readonly hosts: readonly AnyHostOptions[];
  /** How to check them. */
  readonly options: CheckOptions;
  /** Whether to print JSON. */
  readonly json: boolean;
}

interface Flags {
  /** All values given for each flag that has a value. */
  readonly values: ReadonlyMap<Valued, readonly string[]>;
  readonly specs: readonly string[];
  readonly help: boolean;
  readonly json: boolean;
  readonly tls: boolean;
}

/**
 * Parses the command line.
 *
 * @returns The request; `undefined` if the arguments ask for
 * {@linkcode HELP}.
 * @throws {Error} If the arguments are wrong.
 */
export async function readRequest(
  args: string[],
): Promise<Request | undefined> {
  const flags = readFlags(args);
  if (flags.help) return undefined;
  if (flags.specs.length === 0) throw new TypeError("No host was given");
  const given = flags.specs.map(readSpec);
  const kinds = given.map((host) => parseAnyHost(host).kind);
  checkUse(flags, kinds);
  const ssh = sshOptions(flags);
  const spawner = await spawnerOptions(flags);
  const hosts = given.map((host, index) => {
    switch (kinds[index]) {
      case "ssh":
        return { ...ssh, ...host };
      case "spawner":
        return { ...spawner, ...host };
      default:
        return host;
    }
  });
  // This throws if an option of a host is wrong.
  parseAnyHosts(hosts);
  return { hosts, options: checkOptions(flags), json: flags.json };
}

/**
 * Reads a host, which may be its options in JSON. A cluster needs no number of
 * workers, as it is asked for one job.
 */
function readSpec(text: string): AnyHostOptions {
  const options = text.startsWith("{") ? parseJson(text) : { host: text };
  const { host, workers } = options as { host?: unknown; workers?: unknown };
  if (typeof host !== "string" || workers !== undefined) return options;
  if (!/^(?!ssh:)\w+:\/\/./.test(host)) return options;
  const isCounted = parseClusterSpec(host).workers !== undefined;
  return isCounted ? options : { ...options, workers: 1 };
}

function parseJson(text: string): AnyHostOptions {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new TypeError(`The host ${text} isn't JSON (${cause})`, { cause });
  }
}

function readFlags(args: string[]): Flags {
  const { _, help, json, tls, ...others } = parseArgs(args, {
    boolean: ["help", "json", "tls"],
    string: [...VALUED, "_"],
    collect: [...VALUED],
    unknown: (arg, key) => {
      if (key === undefined) return;
      throw new TypeError(`There is no option '${arg}'`);
    },
  });
  const values = new Map<Valued, string[]>();
  for (const name of VALUED) {
    const given = others[name];
    if (given.includes("")) {
      throw new TypeError(
        `--${name} needs a value; write a value that begins with - as --${name}=-…`,
      );
    }
    if (given.length > 0) values.set(name, given);
  }
  return { values, specs: _.map(String), help, json, tls };
}

/** Checks that each option applies to at least one host. */
function checkUse({ values, tls }: Flags, kinds: readonly string[]): void {
  const ssh = SSH_FLAGS.find((name) => values.has(name));
  if (ssh !== undefined && !kinds.includes("ssh")) {
    throw new TypeError(
      `--${ssh} is for ssh hosts, and none was given; write one as ssh://…`,
    );
  }
  const spawner = SPAWNER_FLAGS.find((name) => values.has(name)) ??
    (tls ? "tls" : undefined);
  if (spawner !== undefined && !kinds.includes("spawner")) {
    throw new TypeError(
      `--${spawner} is for spawner servers, and none was given`,
    );
  }
  const listen = LISTEN_FLAGS.find((name) => values.has(name));
  if (listen !== undefined && kinds.every((kind) => kind === "ssh")) {
    throw new TypeError(
      `--${listen} is for spawner servers and clusters, and none was given`,
    );
  }
}

function sshOptions({ values }: Flags): Omit<HostOptions, "host"> {
  const identity = values.get("identity")?.at(-1);
  const sshArgs = values.get("ssh-arg");
  const deno = values.get("deno")?.at(-1);
  const tmpdir = values.get("tmpdir")?.at(-1);
  return {
    ...(identity === undefined ? {} : { identity }),
    ...(sshArgs === undefined ? {} : { sshArgs }),
    ...(deno === undefined ? {} : { deno }),
    ...(tmpdir === undefined ? {} : { tmpdir }),
  };
}

async function spawnerOptions(
  { values, tls }: Flags,
): Promise<Omit<HostOptions, "host">> {
  const token = await readFile("token-file", values);
  const caCert = await readFile("ca-cert", values);
  const serverName = values.get("tls-name")?.at(-1);
  const tlsOptions = {
    ...(caCert === undefined ? {} : { caCerts: [caCert] }),
    ...(serverName === undefined ? {} : { serverName }),
  };
  const usesTls = tls || Object.keys(tlsOptions).length > 0;
  return {
    ...(token === undefined ? {} : { token: token.trim() }),
    ...(usesTls ? { tls: tlsOptions } : {}),
  };
}

async function readFile(
  name: Valued,
  values: Flags["values"],
): Promise<string | undefined> {
  const file = values.get(name)?.at(-1);
  if (file === undefined) return undefined;
  try {
    return await Deno.readTextFile(file);
  } catch (error) {
    throw new Error(`--${name} ${file} can't be read: ${error}`);
  }
}

function checkOptions({ values }: Flags): CheckOptions {
  const seconds = values.get("timeout")?.at(-1) ?? `${DEFAULT_TIMEOUT}`;
  if (!(Number(seconds) > 0 && Number(seconds) <= MAX_TIMEOUT)) {
    throw new RangeError(
      `--timeout must be a number of seconds up to ${MAX_TIMEOUT}, not "${seconds}"`,
    );
  }
  const hostname = values.get("listen-hostname")?.at(-1);
  const port = values.get("listen-port")?.at(-1);
  if (port !== undefined && !isPort(port)) {
    throw new RangeError(
      `--listen-port must be from 1 to 65535, not "${port}"`,
    );
  }
  return {
    timeout: Number(seconds) * 1_000,
    listen: {
      ...(hostname === undefined ? {} : { hostname }),
      ...(port === undefined ? {} : { port: Number(port) }),
    },
  };
}

function isPort(text: string): boolean {
  return /^\d+$/.test(text) && Number(text) > 0 && Number(text) < 65_536;
}
