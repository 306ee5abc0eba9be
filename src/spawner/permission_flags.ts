import { type Address, formatPlace } from "../transport/address.ts";

/** The names of Deno's permissions. */
export const PERMISSION_NAMES = [
  "read",
  "write",
  "net",
  "env",
  "run",
  "ffi",
  "sys",
  "import",
] as const;

/** The name of one of Deno's permissions. */
export type PermissionName = (typeof PERMISSION_NAMES)[number];

/**
 * Permissions by kind: `true` grants everything, a list grants its entries, and
 * a missing kind is denied. An empty list of `import` grants Deno's default:
 * imports from some hosts, and from npm.
 */
export type Grants = {
  readonly [name in PermissionName]?: true | readonly string[];
};

/** The host that serves this package, and so the worker's program. */
const OWN_IMPORTS = "jsr.io:443";

/** Returns the flags for a worker's permissions and access to its pool. */
export function permissionFlags(grants: Grants, address: Address): string[] {
  if (PERMISSION_NAMES.every((name) => grants[name] === true)) {
    return ["--allow-all"];
  }
  const own = ownGrants(address, grants);
  const flags: string[] = [];
  for (const name of PERMISSION_NAMES) {
    const grant = grants[name];
    const list = [
      ...(own[name] ?? []),
      ...(Array.isArray(grant) ? grant : []),
    ];
    if (grant === true) flags.push(`--allow-${name}`);
    else if (list.length > 0) flags.push(`--allow-${name}=${list.join(",")}`);
  }
  // --deny-import doesn't deny npm. This flag denies all downloads, but lets
  // cached modules load, such as the worker's program.
  if (grants.import === undefined) flags.push("--cached-only");
  return flags;
}

/** Returns the permissions that a worker itself needs, to load and connect. */
function ownGrants(
  address: Address,
  grants: Grants,
): { readonly [name in PermissionName]?: readonly string[] } {
  // A list replaces Deno's default list, which includes this host.
  const imports = Array.isArray(grants.import) && grants.import.length > 0
    ? { import: [OWN_IMPORTS] }
    : {};
  if (address.transport !== "unix") {
    return {
      ...imports,
      net: [formatPlace(address.hostname, address.port)],
    };
  }
  const { path } = address;
  return { ...imports, net: [`unix:${path}`], read: [path], write: [path] };
}
