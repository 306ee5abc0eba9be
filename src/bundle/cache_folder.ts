/** Names the folder of this package among those of others. */
const NAME = "distex-pool";

/**
 * The folder for what this user's programs can make anew.
 *
 * @returns Its path, or `undefined` if the system says none, or the program
 * may not use it. It need not exist.
 */
export function findCacheFolder(): string | undefined {
  const parent = findParent();
  if (parent === undefined) return undefined;
  const path = `${parent}/${NAME}`;
  const permitted = isGranted({ name: "read", path }) &&
    isGranted({ name: "write", path }) &&
    isGranted({ name: "sys", kind: "uid" });
  return permitted ? path : undefined;
}

function findParent(): string | undefined {
  switch (Deno.build.os) {
    case "windows":
      return variable("LOCALAPPDATA");
    case "darwin":
      return inHome("Library/Caches");
    default: {
      const path = variable("XDG_CACHE_HOME");
      // A relative one is to be ignored, says the specification.
      return path?.startsWith("/") ? path : inHome(".cache");
    }
  }
}

function inHome(path: string): string | undefined {
  const home = variable("HOME");
  return home === undefined ? undefined : `${home}/${path}`;
}

function variable(name: string): string | undefined {
  if (!isGranted({ name: "env", variable: name })) return undefined;
  return Deno.env.get(name) || undefined;
}

/** To try would ask the user, who knows nothing of it. */
function isGranted(descriptor: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(descriptor).state === "granted";
}
