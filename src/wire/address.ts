/** Where a pool listens, in a form that `Deno.connect` takes. */
export type Address =
  | (Deno.UnixConnectOptions & { transport: "unix" })
  | (Deno.ConnectOptions & { transport: "tcp"; hostname: string });

/** Writes an address as one word: `unix:/path` or `tcp:host:port`. */
export function formatAddress(address: Address): string {
  return address.transport === "unix"
    ? `unix:${address.path}`
    : `tcp:${address.hostname}:${address.port}`;
}

/**
 * Reads what {@linkcode formatAddress} wrote.
 *
 * @throws {TypeError} If it is no address.
 */
export function parseAddress(text: string): Address {
  const [, unixPath] = text.match(/^unix:(.+)$/s) ?? [];
  if (unixPath !== undefined) return { transport: "unix", path: unixPath };
  const [, hostname, port] = text.match(/^tcp:(.+):(\d+)$/) ?? [];
  if (hostname !== undefined) {
    return { transport: "tcp", hostname, port: Number(port) };
  }
  throw new TypeError(
    `An address must be like unix:/path or tcp:host:port, and "${text}" is not`,
  );
}
