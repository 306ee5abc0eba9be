import { fileURLToPath } from "node:url";
import { wrongType, wrongValue } from "./option_checks.ts";
import {
  type Grants,
  PERMISSION_NAMES,
  type PermissionName,
} from "../spawner/permission_flags.ts";
import { isFullyGranted, isGranted } from "../util/is_granted.ts";

/**
 * What tasks may do: `"inherit"` grants the permissions of the program that
 * makes the pool, `"none"` grants nothing, and an object grants what it lists,
 * like the `permissions` option of Deno's `Worker`.
 *
 * A program can't find out for which paths or hosts Deno granted or denied it a
 * permission. So workers don't inherit a permission that was granted or denied
 * by a list: list here what tasks need.
 *
 * Without `import`, workers download nothing, neither from npm nor from the
 * hosts that Deno allows by default. They can still import modules that are in
 * Deno's cache. With `"inherit"`, workers may import from the hosts that Deno
 * allows by default if the program may. A list of hosts replaces Deno's
 * defaults; the pool adds `jsr.io`, because the worker program may be loaded
 * from there. npm is allowed with any list.
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
 * Returns what tasks are granted, given the permissions of this program.
 *
 * @throws {TypeError} If a permission doesn't exist or has the wrong type.
 * @throws {RangeError} If a permission has a value that isn't allowed.
 */
export function grantedBy(permissions: WorkerPermissions): Grants {
  if (permissions === "none") return {};
  if (permissions !== "inherit") checkPermissions(permissions);
  const wanted: Record<string, unknown> = permissions === "inherit"
    ? Object.fromEntries(PERMISSION_NAMES.map((name) => [name, "inherit"]))
    : { ...permissions };
  const grants: Record<string, true | string[]> = {};
  for (const [name, value] of Object.entries(wanted)) {
    if (!isPermissionName(name)) {
      throw new TypeError(
        `'permissions' can't have "${name}"; it can have ${
          PERMISSION_NAMES.join(", ")
        }`,
      );
    }
    if (Array.isArray(value)) {
      const list = value.map((entry) => listEntry(name, entry));
      if (list.length > 0) grants[name] = list;
    } else if (
      value === true || value === "inherit" && isFullyGranted({ name })
    ) {
      grants[name] = true;
    } else if (
      value === "inherit" && name === "import" && hasDefaultImports()
    ) {
      grants[name] = [];
    } else if (![false, undefined, "inherit"].includes(value as boolean)) {
      const wrong = typeof value === "string" ? wrongValue : wrongType;
      const expected = 'true, false, "inherit" or an array';
      throw wrong(`permissions.${name}`, value, expected);
    }
  }
  return grants;
}

function checkPermissions(permissions: unknown): void {
  if (typeof permissions === "object" && permissions !== null) return;
  const wrong = typeof permissions === "string" ? wrongValue : wrongType;
  const expected = '"inherit", "none" or an object like that of a Worker';
  throw wrong("permissions", permissions, expected);
}

/** Returns a list entry as text for a flag, in which a comma can't be escaped. */
function listEntry(name: PermissionName, value: unknown): string {
  const entry = value instanceof URL ? fileURLToPath(value) : value;
  if (typeof entry === "string" && !entry.includes(",")) return entry;
  const wrong = typeof entry === "string" ? wrongValue : wrongType;
  throw wrong(
    `permissions.${name}`,
    entry,
    "an array of strings or file URLs without a comma",
  );
}

function isPermissionName(name: string): name is PermissionName {
  return (PERMISSION_NAMES as readonly string[]).includes(name);
}

/**
 * Checks whether the program may import from the hosts that Deno allows by
 * default. It checks only one, because a list in the program's flags replaces
 * all of them.
 */
function hasDefaultImports(): boolean {
  const { state } = Deno.permissions.querySync({ name: "import" });
  return state === "prompt" &&
    isGranted({ name: "import", host: "esm.sh:443" });
}
