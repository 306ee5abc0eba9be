/** An address that a program listens on. */
export type Address =
  | { readonly transport: "unix"; readonly path: string }
  | {
    readonly transport: "tcp" | "tls";
    readonly hostname: string;
    readonly port: number;
  };

/** The default port of spawner servers. */
export const SPAWNER_PORT = 8_899;

/** Formats a host and a port as in a URL, with an IPv6 address in brackets. */
export function formatPlace(hostname: string, port: number): string {
  return hostname.includes(":")
    ? `[${hostname}]:${port}`
    : `${hostname}:${port}`;
}

/** Formats an address as `unix:/path`, `tcp:host:port` or `tls:host:port`. */
export function formatAddress(address: Address): string {
  return address.transport === "unix"
    ? `unix:${address.path}`
    : `${address.transport}:${address.hostname}:${address.port}`;
}

/**
 * Parses the result of {@linkcode formatAddress}.
 *
 * @throws {TypeError} If the text isn't an address.
 */
export function parseAddress(text: string): Address {
  const [, unixPath] = text.match(/^unix:(.+)$/s) ?? [];
  if (unixPath !== undefined) return { transport: "unix", path: unixPath };
  const [, transport, hostname, port] = text.match(/^(tcp|tls):(.+):(\d+)$/) ??
    [];
  if (hostname !== undefined) {
    return {
      transport: transport as "tcp" | "tls",
      hostname,
      port: Number(port),
    };
  }
  throw new TypeError(
    `An address must be like unix:/path or tcp:host:port, and "${text}" is not`,
  );
}
