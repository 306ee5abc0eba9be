import { type Address, formatAddress } from "./address.ts";
import type { Connection } from "./connection.ts";

/** The host name in certificates that {@linkcode makeCertificate} makes. */
export const CERTIFICATE_NAME = "distex-pool";

/** The pauses before a full Unix socket is tried again, in milliseconds. */
const FIRST_PAUSE = 10;
const LAST_PAUSE = 1_000;

/**
 * Opens a connection to an address.
 *
 * @param certificate The only certificate (PEM) to accept, for a `tls` address.
 * @param signal Stops this when it is aborted.
 * @throws {Error} If the address can't be reached.
 */
export async function connect(
  address: Address,
  certificate: string,
  signal?: AbortSignal,
): Promise<Connection> {
  try {
    if (address.transport === "unix") {
      return await connectUnix(address.path);
    }
    const { hostname, port } = address;
    const connection = await Deno.connect({
      hostname,
      port,
      ...(signal === undefined ? {} : { signal }),
    });
    if (address.transport === "tcp") return connection;
    connection.setNoDelay();
    return await Deno.startTls(connection, {
      hostname: CERTIFICATE_NAME,
      caCerts: [certificate],
    });
  } catch (cause) {
    const where = formatAddress(address);
    throw new Error(`Can't connect to ${where}: ${cause}`, { cause });
  }
}

/**
 * Connects to a Unix socket. On Linux, it fails at once while about a thousand
 * connections wait to be accepted, where TCP would wait.
 */
async function connectUnix(path: string): Promise<Connection> {
  for (let pause = FIRST_PAUSE;; pause = Math.min(2 * pause, LAST_PAUSE)) {
    try {
      return await Deno.connect({ transport: "unix", path });
    } catch (error) {
      if (!(error instanceof Deno.errors.WouldBlock)) throw error;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}
