import { fileURLToPath } from "node:url";
import type { Address } from "../wire/address.ts";

/**
 * What tasks may do: `"inherit"` what the program may that makes the pool,
 * `"none"`, or the permissions listed, with the words and the meaning of
 * Deno's own `Worker` option.
 *
 * Deno doesn't tell a program which paths or hosts it was granted or denied
 * one by one. A permission that has such a list isn't inherited: list here
 * what tasks need.
 *
 * @see {@link https://docs.deno.com/api/deno/~/Deno.PermissionOptions}
 */
export type WorkerPermissions =
  | "inherit"
  | "none"
  | Deno.PermissionOptionsObject;

const NAMES = ["read", "write", "net", "env", "run", "ffi", "sys", "import"];

/** The flags that give a worker its permissions, and access to its pool. */
export function permissionFlags(
  permissions: WorkerPermissions,
  address: Address,
): string[] {
  const granted = grants(permissions);
  if (NAMES.every((name) => granted.get(name) === true)) return ["--allow-all"];
  const own = address.transport === "unix"
    ? new Map([
      ["net", [`unix:${address.path}`]],
      ["read", [address.path]],
      ["write", [address.path]],
    ])
    : new Map([["net", [formatHost(address.hostname, address.port)]]]);
  const flags: string[] = [];
  for (const name of NAMES) {
    const grant = granted.get(name);
    const list = [
      ...(own.get(name) ?? []),
      ...(Array.isArray(grant) ? grant : []),
    ];
    if (grant === true) flags.push(`--allow-${name}`);
    else if (list.length > 0) flags.push(`--allow-${name}=${list.join(",")}`);
  }
  return flags;
}

/** For each name, whether all is granted, or what is. */
function grants(
  permissions: WorkerPermissions,
): Map<string, boolean | string[]> {
  if (permissions === "none") return new Map();
  if (permissions === "inherit") {
    return new Map(NAMES.map((name) => [name, isGranted(name)]));
  }
  return new Map<string, boolean | string[]>(
    Object.entries(permissions).map(([name, value]) => {
      if (!NAMES.includes(name)) {
        throw new TypeError(
          `'permissions' can have ${
            NAMES.join(", ")
          }, and "${name}" is none of them`,
        );
      }
      if (value === "inherit") return [name, isGranted(name)];
      if (Array.isArray(value)) return [name, value.map(listEntry)];
      return [name, Boolean(value)];
    }),
  );
}

/** An entry as a flag lists it, where nothing can stand for a comma. */
function listEntry(value: string | URL): string {
  const entry = value instanceof URL ? fileURLToPath(value) : value;
  if (!entry.includes(",")) return entry;
  throw new TypeError(
    `'permissions' can't list "${entry}", as there is a comma in it`,
  );
}

function formatHost(hostname: string, port: number): string {
  return hostname.includes(":")
    ? `[${hostname}]:${port}`
    : `${hostname}:${port}`;
}

function isGranted(name: string): boolean {
  const descriptor = { name } as Deno.PermissionDescriptor;
  const status = Deno.permissions.querySync(descriptor);
  return status.state === "granted" && !status.partial;
}
