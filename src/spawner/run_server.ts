import { parseArgs } from "@std/cli/parse-args";
import { findConfig } from "../util/find_config.ts";
import { formatPlace, SPAWNER_PORT } from "../transport/address.ts";
import {
  isLoopback,
  logLine,
  MIN_TOKEN_LENGTH,
  readFile,
  readToken,
  wholeNumber,
} from "./command_line.ts";
import type { ProgramBundle } from "./program_bundle.ts";
import { SpawnerServer, type SpawnerServerSettings } from "./spawner_server.ts";

const DEFAULT_MAX_WORKERS = 256;

const HELP = `Starts workers on this machine for pools that run elsewhere.

Usage: deno run -A jsr:@distex/pool/server [options]

Options:
  --host <address>             Address to listen on; 127.0.0.1 by default, other
                               addresses need a token. 0.0.0.0 is all IPv4
                               addresses, :: all IPv6 and IPv4 addresses
  --port <number>              Port to listen on; ${SPAWNER_PORT} by default, 0 for any
                               free port
  --token-file <file>          File with the token that pools must know, of at
                               least ${MIN_TOKEN_LENGTH} characters. Anyone who knows it can
                               run any code here
  --max-workers <number>       Limit of workers at the same time; ${DEFAULT_MAX_WORKERS} by default
  --max-workers-per-pool <number>
                               Limit of workers of one pool; the same by default
  --tls-cert <file>            Certificate (PEM), to serve with TLS
  --tls-key <file>             Its private key (PEM)
  --help                       Print this help

On SIGINT or SIGTERM, the server ends its workers and exits.
`;

const STRINGS = [
  "host",
  "port",
  "token-file",
  "max-workers",
  "max-workers-per-pool",
  "tls-cert",
  "tls-key",
] as const;

/**
 * Runs a spawner server as a program until it gets SIGINT or SIGTERM.
 *
 * @param args The arguments on the command line.
 * @param bundleOf Returns the bundle of the workers' program with the
 * configuration that resolves their imports.
 */
export async function runServer(
  args: string[],
  bundleOf: (config: string | undefined) => ProgramBundle,
): Promise<void> {
  let server: SpawnerServer;
  try {
    const settings = await readSettings(args);
    if (settings === undefined) return console.log(HELP.trimEnd());
    server = listen({ ...settings, bundle: bundleOf(settings.config) });
    const { hostname, tls, token } = settings;
    logLine(
      `listening on ${formatPlace(hostname, server.port)} ${
        tls === undefined ? "without" : "with"
      } TLS, ${
        token === "" ? "for all users of this machine" : "with a token"
      }`,
    );
  } catch (error) {
    console.error(
      `server.ts: ${error instanceof Error ? error.message : error}`,
    );
    return Deno.exit(2);
  }
  await stopSignal();
  await server.close();
  logLine("stopped");
  Deno.exit(0);
}

/** @throws {Error} If it can't listen there, or has a bad certificate. */
function listen(settings: SpawnerServerSettings): SpawnerServer {
  try {
    return new SpawnerServer(settings);
  } catch (cause) {
    const place = formatPlace(settings.hostname, settings.port);
    const wayOut = cause instanceof Deno.errors.AddrInUse
      ? ": give another --port"
      : "";
    throw new Error(`Can't listen on ${place} (${cause})${wayOut}`, {
      cause,
    });
  }
}

/** @throws {Error} If the arguments are wrong. */
async function readSettings(
  args: string[],
): Promise<SpawnerServerSettings | undefined> {
  const { help, _, ...flags } = parseArgs(args, {
    boolean: ["help"],
    string: [...STRINGS],
    unknown: (arg) => {
      throw new TypeError(`There is no option '${arg}', see --help`);
    },
  });
  if (help) return undefined;
  const hostname = flags.host ?? "127.0.0.1";
  const file = flags["token-file"];
  const token = file === undefined ? "" : await readToken(file);
  if (token === "" && !isLoopback(hostname)) {
    throw new Error(
      `--host ${hostname} can be reached from other machines, which could run any code here: add --token-file`,
    );
  }
  const maxWorkers = wholeNumber(flags, "max-workers", 1) ??
    DEFAULT_MAX_WORKERS;
  return {
    hostname,
    port: wholeNumber(flags, "port", 0, 65_535) ?? SPAWNER_PORT,
    token,
    maxWorkers,
    maxWorkersPerPool: wholeNumber(flags, "max-workers-per-pool", 1) ??
      maxWorkers,
    tls: await readTls(flags["tls-cert"], flags["tls-key"]),
    config: findConfig(Deno.mainModule),
    log: logLine,
  };
}

async function readTls(
  certFile: string | undefined,
  keyFile: string | undefined,
): Promise<{ cert: string; key: string } | undefined> {
  if (certFile === undefined && keyFile === undefined) return undefined;
  if (certFile === undefined || keyFile === undefined) {
    throw new Error(
      "--tls-cert and --tls-key must be given together",
    );
  }
  return {
    cert: await readFile("--tls-cert", certFile),
    key: await readFile("--tls-key", keyFile),
  };
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    const signals: Deno.Signal[] = Deno.build.os === "windows"
      ? ["SIGINT"]
      : ["SIGINT", "SIGTERM"];
    for (const signal of signals) Deno.addSignalListener(signal, resolve);
  });
}
