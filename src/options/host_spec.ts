import { checkHostOptions, type HostOptions, inHost } from "./host_options.ts";
import { wrongType } from "./option_checks.ts";
import {
  type ScalingSettings,
  type WorkerCount,
  workerCount,
  type WorkerCountSettings,
  type WorkerRange,
} from "./worker_count.ts";
import { parsePlace, type WorkerPlace } from "./place.ts";

/** A host's options, checked and with the defaults. */
export interface HostSettings extends
  Omit<
    HostOptions,
    "host" | "workers" | "name" | "labels" | "resources"
  >,
  Partial<WorkerPlace> {
  /** How the pool reaches the host. */
  readonly kind: "ssh" | "spawner";
  /** The host's name in messages. */
  readonly name: string;
  /** The user to log in as; `undefined` lets ssh choose. */
  readonly username: string | undefined;
  /** The host's name or address, without brackets. */
  readonly hostname: string;
  /** The port; `undefined` means the default. */
  readonly port: number | undefined;
  /** How many workers run there, or may run there; 0 means one per CPU. */
  readonly workers: number;
  /** How their number changes, if it does. */
  readonly scaling?: ScalingSettings;
}

/** The name in messages of the last part of a spec. */
const WORKERS = "number of workers";

/** The schemes of hosts. Without one, it is a spawner server. */
const SCHEMES = [
  "ssh",
  "slurm",
  "sge",
  "pbs",
  "kubernetes",
  "docker",
  "podman",
];

const EXPECTED = "[ssh://][username@]hostname[:port][/workers]";

/**
 * Parses host specs, one or many.
 *
 * @throws {TypeError} If a spec is neither a string nor an object with a
 * `host`, or if an option doesn't exist or has the wrong type.
 * @throws {RangeError} If a spec can't be parsed or an option is out of range.
 * The message names the part that is wrong.
 */
export function parseHosts(
  specs: string | HostOptions | readonly (string | HostOptions)[],
): HostSettings[] {
  const list = Array.isArray(specs) ? specs : [specs];
  return list.map(parseHost);
}

/**
 * Parses one host spec.
 *
 * @throws {TypeError | RangeError} Like {@linkcode parseHosts}.
 */
export function parseHost(spec: string | HostOptions): HostSettings {
  const options = typeof spec === "string" ? { host: spec } : spec;
  // A URL has a `host` too, with another meaning.
  if (typeof options?.host !== "string" || options instanceof URL) {
    throw new TypeError(
      `A host must be a string like ${EXPECTED}, or an object whose 'host' is such a string, but is ${
        describe(options)
      }`,
    );
  }
  const { host, workers: count, name: givenName, ...others } = options;
  const { kind, username, hostname, port, workers } = parseSpec(host);
  checkHostOptions(options, kind);
  const { token, labels, resources, ...rest } = others;
  const isPlace = labels !== undefined || resources !== undefined;
  return {
    ...rest,
    ...(isPlace ? parsePlace(options) : {}),
    // A token read from a file ends with a line feed.
    ...(token === undefined ? {} : { token: token.trim() }),
    kind,
    name: givenName ?? hostname,
    username,
    hostname,
    port,
    ...countWorkers(host, count, workers),
  };
}

/**
 * Returns how many workers a host has.
 *
 * @param count The option `workers`.
 * @param inSpec The number in the host's spec.
 */
function countWorkers(
  host: string,
  count: WorkerCount | undefined,
  inSpec: number | undefined,
): WorkerCountSettings {
  if (typeof count === "object" && count !== null) {
    return checkRange(host, count, inSpec);
  }
  if (count !== undefined && inSpec !== undefined && count !== inSpec) {
    throw unreadable(host, WORKERS, `both ${count} and ${inSpec}`);
  }
  const workers = count ?? inSpec ?? 0;
  if (typeof workers !== "number") {
    const expected = "a whole number or an object";
    const { message } = wrongType("workers", workers, expected);
    throw new TypeError(`In the host "${host}" ${message}`);
  }
  if (!Number.isSafeInteger(workers) || workers < 0) {
    throw noCount(host, Deno.inspect(workers));
  }
  return { workers };
}

function checkRange(
  host: string,
  range: WorkerRange,
  inSpec: number | undefined,
): WorkerCountSettings {
  const { max } = range;
  if (max !== undefined && inSpec !== undefined && max !== inSpec) {
    throw unreadable(host, WORKERS, `both ${max} and ${inSpec}`);
  }
  try {
    return workerCount(range, inSpec ?? 0);
  } catch (cause) {
    throw inHost(host, cause);
  }
}

/** Describes an invalid host without its values, which may include a token. */
function describe(options: unknown): string {
  if (options === null) return "null";
  if (typeof options !== "object") return `of type ${typeof options}`;
  const name = options.constructor?.name ?? "Object";
  if (name !== "Object") return `of type ${name}`;
  const keys = Object.keys(options).map((key) => `'${key}'`).join(", ");
  return keys === "" ? "an empty object" : `an object with ${keys}`;
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
  if (scheme === undefined) checkSlashes(spec);
  checkPassword(scheme, rest);
  if (scheme !== undefined && scheme !== "ssh") {
    throw unreadable(
      spec,
      "scheme",
      `"${scheme}://", but can only be ${
        SCHEMES.map((known) => `"${known}://"`).join(", ")
      }`,
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
    workers: slash < 0 ? undefined : parseCount(spec, rest.slice(slash + 1)),
  };
}

/** Runs before all other checks, because no message may contain a password. */
function checkPassword(scheme: string | undefined, rest: string): void {
  const colon = rest.indexOf(":");
  const at = rest.lastIndexOf("@");
  if (colon < 0 || at < colon) return;
  const prefix = scheme === undefined ? "" : `${scheme}://`;
  throw unreadable(
    `${prefix}${rest.slice(0, colon)}:…${rest.slice(at)}`,
    "username",
    "followed by a password, which isn't supported: log in with a key (the host's option 'identity', or an ssh-agent)",
  );
}

/** Refuses `ssh:/host`, `ssh:host` and `ssh//host`. */
function checkSlashes(spec: string): void {
  // `ssh:22` may be a host named ssh with a port.
  const [, scheme = "", rest = ""] =
    spec.match(/^(\w+)(?::(?!\d)\/?|\/\/)([^/].*)$/s) ?? [];
  if (!SCHEMES.includes(scheme)) return;
  checkPassword(scheme, rest);
  throw unreadable(spec, "scheme", `incomplete: write ${scheme}://${rest}`);
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
    hostname === "" ? "missing" : `"${hostname}", which isn't a host name`,
  );
}

function checkUsername(spec: string, kind: string, username: string): void {
  if (username === "") throw unreadable(spec, "username", "empty");
  if (kind === "spawner") {
    throw unreadable(
      spec,
      "username",
      `"${username}", but a spawner server has no users: did you mean ssh://${spec}?`,
    );
  }
  if (/^[^\s\p{Cc}-][^\s\p{Cc}]*$/u.test(username)) return;
  throw unreadable(spec, "username", `"${username}", which isn't a user name`);
}

function portNumber(spec: string, text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port > 0 && port < 65_536) return port;
  const found = text === "" ? "missing after the colon" : `"${text}"`;
  throw unreadable(spec, "port", `${found}, but must be from 1 to 65535`);
}

function parseCount(spec: string, text: string): number | undefined {
  if (text === "") return undefined;
  if (/^\d+$/.test(text)) return Number(text);
  throw noCount(spec, `"${text}"`);
}

function noCount(spec: string, found: string): RangeError {
  return unreadable(
    spec,
    WORKERS,
    `${found}, but must be a whole number; 0 means one per CPU`,
  );
}

function unreadable(spec: string, part: string, found: string): RangeError {
  return new RangeError(
    `The host "${spec}" can't be read as ${EXPECTED}: its ${part} is ${found}`,
  );
}
