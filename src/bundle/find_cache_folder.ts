import { getEnv } from "../util/get_env.ts";
import { isGranted } from "../util/is_granted.ts";

/** The name of this package's folder in the user's cache. */
const NAME = "distex-pool";

/**
 * Finds the folder where this user's programs cache files.
 *
 * @returns The folder's path, or `undefined` if the system has no such folder
 * or the program may not use it. The folder need not exist.
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
      return getEnv("LOCALAPPDATA");
    case "darwin":
      return inHome("Library/Caches");
    default: {
      const path = getEnv("XDG_CACHE_HOME");
      // The XDG specification says to ignore relative paths.
      return path?.startsWith("/") ? path : inHome(".cache");
    }
  }
}

function inHome(path: string): string | undefined {
  const home = getEnv("HOME");
  return home === undefined ? undefined : `${home}/${path}`;
}
