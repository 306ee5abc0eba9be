import { fileURLToPath } from "node:url";
import { invalid } from "./option_checks.ts";
import {
  type Grants,
  PERMISSION_NAMES,
  type PermissionName,
} from "../spawner/permission_flags.ts";

/**
 * What tasks may do: `"inherit"` what the program may that makes the pool,
 * `"none"`, or the permissions listed, with the words and the meaning of
 * Deno's own `Worker` option.
 *
 * Deno doesn't tell a program which paths or hosts it was granted or denied
 * one by one. A permission that has such a list isn't inherited: list here
 * what tasks need.
 *
 * Without `import` nothing is downloaded: not from npm either, nor from the
 * hosts that Deno allows by itself. Modules that are in Deno's cache can be
 * imported. `"inherit"` leaves to workers what Deno allows by itself to the
 * program. A list of hosts counts in place of Deno's, with `jsr.io` added, where
 * workers may come from; npm goes with any list.
 *
 * @example Usage
 * ```ts
 * import { Pool, type WorkerPermissions } from "@distex/pool";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const permissions: WorkerPermissions = { env: ["USER"] };
 * await using pool = new Pool({ workers: 1, permissions });
 * const read = (name: string) => Deno.env.get(name) ?? "";
 * assertEquals(await pool.run(read, "USER"), Deno.env.get("USER") ?? "");
 * await assertRejects(() => pool.run(read, "HOME"), Deno.errors.NotCapable);
 * ```
 *
 * @see {@link https://docs.deno.com/api/deno/~/Deno.PermissionOptions}
 */
export type WorkerPermissions =
  | "inherit"
  | "none"
  | Deno.PermissionOptionsObject;

/**
 * Works out what is granted, by what this program may itself.
 *
 * @throws {TypeError} If there is no such permission.
 * @throws {RangeError} If one has a value that it can't have.
 */
export function grantedBy(permissions: WorkerPermissions): Grants {
  if (permissions === "none") return {};
  if (permissions !== "inherit" && typeof permissions !== "object") {
    throw invalid(
      "permissions",
      permissions,
      '"inherit", "none" or an object like that of a Worker',
    );
  }
  const wanted: Record<string, unknown> = permissions === "inherit"
    ? Object.fromEntries(PERMISSION_NAMES.map((name) => [name, "inherit"]))
    : { ...permissions };
  const grants: Record<string, true | string[]> = {};
  for (const [name, value] of Object.entries(wanted)) {
    if (!isPermissionName(name)) {
      throw new TypeError(
        `'permissions' can have ${
          PERMISSION_NAMES.join(", ")
        }, and "${name}" is none of them`,
      );
    }
    if (Array.isArray(value)) {
      const list = value.map((entry) => listEntry(name, entry));
      if (list.length > 0) grants[name] = list;
    } else if (value === true || value === "inherit" && isGranted(name)) {
      grants[name] = true;
    } else if (value === "inherit" && name === "import" && hasDenosHosts()) {
      grants[name] = [];
    } else if (![false, undefined, "inherit"].includes(value as boolean)) {
      throw invalid(
        `permissions.${name}`,
        value,
        'true, false, "inherit" or an array',
      );
    }
  }
  return grants;
}

/** An entry as a flag lists it, where nothing can stand for a comma. */
function listEntry(name: PermissionName, value: unknown): string {
  const entry = value instanceof URL ? fileURLToPath(value) : value;
  if (typeof entry === "string" && !entry.includes(",")) return entry;
  throw invalid(
    `permissions.${name}`,
    entry,
    "an array of strings or file URLs without a comma",
  );
}

function isPermissionName(name: string): name is PermissionName {
  return (PERMISSION_NAMES as readonly string[]).includes(name);
}

function isGranted(name: PermissionName): boolean {
  const status = Deno.permissions.querySync({ name });
  return status.state === "granted" && !status.partial;
}

/**
 * Whether the program may import from where Deno allows it by itself, of which
 * one host tells: a list of the program's own would take their place.
 */
function hasDenosHosts(): boolean {
  const all = Deno.permissions.querySync({ name: "import" });
  const one = Deno.permissions.querySync({
    name: "import",
    host: "esm.sh:443",
  });
  return all.state === "prompt" && one.state === "granted";
}
