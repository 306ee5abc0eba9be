import { type Address, formatAddress } from "./address.ts";
import type { Connection } from "./connection.ts";

/** The host name in certificates that {@linkcode makeCertificate} makes. */
export const CERTIFICATE_NAME = "distex-pool";

/**
 * Opens a connection to an address.
 *
 * @param certificate The only certificate (PEM) to accept, for a `tls` address.
 * @throws {Error} If the address can't be reached.
 */
export async function connect(
  address: Address,
  certificate: string,
): Promise<Connection> {
  try {
    if (address.transport === "unix") {
      return await Deno.connect({ transport: "unix", path: address.path });
    }
    const { hostname, port } = address;
    const connection = await Deno.connect({ hostname, port });
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
