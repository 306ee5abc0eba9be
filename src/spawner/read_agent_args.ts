import { parseArgs } from "@std/cli/parse-args";
import { readFingerprint } from "../transport/fingerprint.ts";
import { certificateOfPem } from "../transport/pem.ts";
import type {
  AgentSettings,
  CertificatePin,
  PoolAddress,
} from "./agent_settings.ts";
import {
  type Flags,
  isLoopback,
  readFile,
  readToken,
  wholeNumber,
} from "./command_line.ts";

const DEFAULT_CONNECT_TIMEOUT = 60_000;

/** The default of `--leave-before` is this part of the wall time. */
const LEAVE_PART = 0.1;
/** The longest default of `--leave-before`, in milliseconds. */
const LONGEST_LEAVE = 60_000;

/** As many workers as a pool accepts from an agent. */
const MAX_WORKERS = 65_536;

const TOKEN = "DISTEX_TOKEN";
const FINGERPRINT = "DISTEX_FINGERPRINT";

/** The answer to `--help`. */
export const AGENT_HELP =
  `Starts workers on this machine for a pool that runs elsewhere. The pool must
have the options 'listen.port' and 'listen.token'.

Usage: deno run -A jsr:@distex/pool/worker --connect <host:port> [options]

Options:
  --connect <host:port>        Address of the pool, with TLS unless the host is
                               this machine. tcp:host:port is without TLS:
                               others on the network can then read everything
  --token-file <file>          File with the pool's token. The default is the
                               environment variable ${TOKEN}
  --fingerprint <sha256:…>     Fingerprint of the pool's certificate, for TLS. The
                               default is the environment variable
                               ${FINGERPRINT}
  --certificate-file <file>    The certificate itself (PEM), instead
  --workers <number>           How many workers to start; 1 by default, 0 for one
                               per CPU
  --name <name>                Name in messages; by default, that of this machine
  --labels <key=value,…>       Labels of the workers, such as region=eu
  --resources <key=amount,…>   What the workers share, such as gpu=2,memory=64G
  --max-idle <seconds>         Leave once no worker had a call for so long
  --wall-time <seconds>        How long this program may run, also as hh:mm:ss
  --leave-before <seconds>     Leave so long before the wall time is over; by
                               default, a tenth of it, but at most a minute
  --connect-timeout <seconds>  How long to try to reach the pool; ${
    DEFAULT_CONNECT_TIMEOUT / 1_000
  } by default
  --job <id>                   Id of the job that runs this, for launchers
  --group <number>             Number of the launcher in the pool, for launchers
  --help                       Print this help

On SIGTERM, or SIGINT without --group, it leaves the pool: its workers finish
what they run, and the pool takes back the rest. A second signal ends it at once.
`;

const STRINGS = [
  "connect",
  "token-file",
  "fingerprint",
  "certificate-file",
  "workers",
  "name",
  "labels",
  "resources",
  "max-idle",
  "wall-time",
  "leave-before",
  "connect-timeout",
  "job",
  "group",
] as const;

type AgentFlags = Flags<typeof STRINGS[number]>;

/**
 * Reads the command line of an agent and its environment variables. It removes
 * these variables, as workers inherit the others.
 *
 * @returns The settings, or `undefined` if the user asks for help.
 * @throws {Error} If something is wrong or missing.
 */
export async function readAgentArgs(
  args: string[],
): Promise<AgentSettings | undefined> {
  const { help, _, ...flags } = parseArgs(args, {
    boolean: ["help"],
    string: [...STRINGS],
    unknown: (arg) => {
      throw new TypeError(`There is no option '${arg}', see --help`);
    },
  });
  const token = takeEnv(TOKEN);
  const fingerprint = takeEnv(FINGERPRINT);
  if (help) return undefined;
  const pin = await readPin(flags, fingerprint);
  const address = readAddress(flags, pin);
  const maxIdle = readDuration(flags, "max-idle");
  const workers = wholeNumber(flags, "workers", 0, MAX_WORKERS) ?? 1;
  return {
    address,
    pin,
    token: await findToken(flags, token),
    group: wholeNumber(flags, "group", 0, 2 ** 31 - 1) ?? 0,
    connectTimeout: readDuration(flags, "connect-timeout") ??
      DEFAULT_CONNECT_TIMEOUT,
    offer: {
      workers: workers || navigator.hardwareConcurrency,
      name: flags.name || Deno.hostname(),
      labels: readPairs(flags, "labels", "region=eu,disk=ssd"),
      resources: readResources(flags),
      ...(flags.job === undefined ? {} : { job: flags.job }),
      ...(maxIdle === undefined ? {} : { maxIdle }),
    },
    ...readWallTime(flags),
  };
}

function takeEnv(name: string): string | undefined {
  const value = Deno.env.get(name)?.trim();
  Deno.env.delete(name);
  return value === "" ? undefined : value;
}

async function findToken(
  flags: AgentFlags,
  fromEnv: string | undefined,
): Promise<string> {
  const file = flags["token-file"];
  if (file !== undefined) return await readToken(file);
  if (fromEnv !== undefined) return fromEnv;
  throw new Error(
    `The pool's token is missing: give a file that has it with --token-file, or set ${TOKEN}`,
  );
}

/** The host name and the port, after the transport, if there is one. */
const PLACE = /^(?:(tcp|tls):)?(\[[^\]]+\]|[^\s/@]+):(\d{1,5})$/;

/** @throws {Error} If it is missing or malformed, or has no certificate. */
function readAddress(
  { connect }: AgentFlags,
  pin: CertificatePin | undefined,
): PoolAddress {
  if (connect === undefined) {
    throw new Error(
      "The pool's address is missing: give --connect host:port, see --help",
    );
  }
  const [, prefix, host, digits] = connect.match(PLACE) ?? [];
  const port = Number(digits);
  if (host === undefined || port < 1 || port > 65_535) {
    throw new TypeError(
      `--connect must be like host:port, tls:host:port or tcp:host:port, but is "${connect}"`,
    );
  }
  const hostname = host.replace(/^\[(.*)\]$/, "$1");
  const needsTls = pin !== undefined || !isLoopback(hostname);
  const transport = prefix === "tcp" || prefix === "tls"
    ? prefix
    : needsTls
    ? "tls"
    : "tcp";
  if (transport === "tls" && pin === undefined) {
    throw new Error(
      `--connect ${connect} uses TLS: give the pool's certificate with --fingerprint, ${FINGERPRINT} or --certificate-file, or write tcp:${host}:${port} if everyone on the network may read everything`,
    );
  }
  if (transport === "tcp" && pin !== undefined) {
    throw new Error(
      `--connect ${connect} is without TLS, so it has no certificate: omit --fingerprint, ${FINGERPRINT} and --certificate-file, or write tls:${host}:${port}`,
    );
  }
  return { transport, hostname, port };
}

async function readPin(
  flags: AgentFlags,
  fromEnv: string | undefined,
): Promise<CertificatePin | undefined> {
  const file = flags["certificate-file"];
  if (file !== undefined && flags.fingerprint !== undefined) {
    throw new Error(
      "--certificate-file and --fingerprint can't be given together",
    );
  }
  if (file !== undefined) {
    const certificate = await readFile("--certificate-file", file);
    try {
      certificateOfPem(certificate);
    } catch {
      throw new TypeError(
        `--certificate-file ${file} has no certificate in the format PEM`,
      );
    }
    return { certificate };
  }
  const text = flags.fingerprint ?? fromEnv;
  if (text === undefined) return undefined;
  const fingerprint = readFingerprint(text);
  if (fingerprint !== undefined) return { fingerprint };
  const name = flags.fingerprint === undefined ? FINGERPRINT : "--fingerprint";
  throw new TypeError(
    `${name} must be sha256: and 64 hexadecimal digits, but is "${text}"`,
  );
}

function readWallTime(
  flags: AgentFlags,
): Pick<AgentSettings, "wallTime" | "leaveBefore"> {
  const wallTime = readDuration(flags, "wall-time");
  const leaveBefore = readDuration(flags, "leave-before");
  if (wallTime === undefined) {
    if (leaveBefore === undefined) {
      return { wallTime: Infinity, leaveBefore: 0 };
    }
    throw new Error("--leave-before needs --wall-time");
  }
  if (leaveBefore !== undefined && leaveBefore >= wallTime) {
    throw new RangeError(
      `--leave-before ${
        flags["leave-before"]
      } must be shorter than --wall-time ${flags["wall-time"]}`,
    );
  }
  const byDefault = Math.min(LEAVE_PART * wallTime, LONGEST_LEAVE);
  return { wallTime, leaveBefore: leaveBefore ?? byDefault };
}

/** Reads a time above 0 in seconds or as hh:mm:ss; returns milliseconds. */
function readDuration(
  flags: AgentFlags,
  name: "max-idle" | "wall-time" | "leave-before" | "connect-timeout",
): number | undefined {
  const text = flags[name];
  if (text === undefined) return undefined;
  const [, hours, minutes, rest] =
    text.match(/^(\d{1,6}):([0-5]\d):([0-5]\d)$/) ?? [];
  const seconds = hours !== undefined
    ? 3_600 * Number(hours) + 60 * Number(minutes) + Number(rest)
    : /^\d{1,12}(?:\.\d{1,6})?$/.test(text)
    ? Number(text)
    : NaN;
  if (seconds > 0) return 1_000 * seconds;
  throw new RangeError(
    `--${name} must be a number of seconds above 0, or hh:mm:ss, but is "${text}"`,
  );
}

function readResources(flags: AgentFlags): Record<string, number | string> {
  const pairs = readPairs(flags, "resources", "gpu=2,memory=64G");
  return Object.fromEntries(
    Object.entries(pairs).map(([name, text]) => [
      name,
      /^\d{1,15}(?:\.\d{1,6})?$/.test(text) ? Number(text) : text,
    ]),
  );
}

/** Reads pairs of names and values, neither of which is empty. */
function readPairs(
  flags: AgentFlags,
  name: "labels" | "resources",
  example: string,
): Record<string, string> {
  const text = flags[name];
  if (text === undefined) return {};
  const pairs = text.split(",").map((pair) => {
    const at = pair.indexOf("=");
    return [pair.slice(0, at).trim(), pair.slice(at + 1).trim()] as const;
  });
  if (
    pairs.every(([key, value]) => key !== "" && value !== "") &&
    text.split(",").every((pair) => pair.includes("="))
  ) return Object.fromEntries(pairs);
  throw new TypeError(
    `--${name} must be like ${example}, but is "${text}"`,
  );
}
