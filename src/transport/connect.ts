import { type Address, formatAddress } from "./address.ts";
import type { Connection } from "./connection.ts";

/** The name in the certificate that a pool makes for itself. */
export const CERTIFICATE_NAME = "distex-pool";

/**
 * Opens a connection to a pool.
 *
 * @param certificate The only certificate (PEM) that is accepted, if the
 * address is a `tls` one.
 * @throws {Error} If the pool can't be reached.
 */
export async function connectToPool(
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
    throw new Error(`Can't reach the pool at ${where}: ${cause}`, { cause });
  }
}
