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
 * What is granted: all, or what is listed; what isn't named is denied. An empty
 * list of `import` is for what Deno allows if it isn't told otherwise: imports
 * from some hosts, and from npm.
 */
export type Grants = {
  readonly [name in PermissionName]?: true | readonly string[];
};

/** Where this package, and so the program of a worker, may come from. */
const OWN_IMPORTS = "jsr.io:443";

/** The flags that give a worker what is granted, and access to its pool. */
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
  // No flag denies it all: --deny-import leaves out npm, and what is cached,
  // such as the program of the worker, has to be loaded.
  if (grants.import === undefined) flags.push("--cached-only");
  return flags;
}

/** The least that a worker needs to be loaded and to connect. */
function ownGrants(
  address: Address,
  grants: Grants,
): { readonly [name in PermissionName]?: readonly string[] } {
  // A list takes the place of Deno's own, which has it.
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
