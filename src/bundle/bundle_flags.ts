import { isFullyGranted } from "../util/is_granted.ts";

/** Flags that affect imports and whose value, if any, follows `=`. */
const FLAGS = new Set([
  "--allow-import",
  "-I",
  "--deny-import",
  "--frozen",
  "--lock",
  "--no-lock",
  "--no-npm",
  "--no-remote",
  "--node-modules-dir",
  "--unsafely-ignore-certificate-errors",
  "--vendor",
]);

/** Flags that affect imports and always have a value, after `=` or a space. */
const VALUED_FLAGS = new Set([
  "--cert",
  "--import-map",
  "--min-dep-age",
  "--node-modules-linker",
]);

/**
 * Picks the arguments of `deno run` that `deno bundle` needs to find the same
 * modules.
 *
 * Unless the arguments specify which imports are allowed, the bundler may
 * import from anywhere if the program may.
 */
export function bundleFlags(denoArgs: readonly string[]): string[] {
  const flags: string[] = [];
  for (let i = 0; i < denoArgs.length; i++) {
    const arg = denoArgs[i]!;
    const name = arg.split("=", 1)[0]!;
    if (FLAGS.has(name) || name.startsWith("--unstable")) flags.push(arg);
    else if (VALUED_FLAGS.has(name)) {
      flags.push(arg);
      if (name === arg && i + 1 < denoArgs.length) flags.push(denoArgs[++i]!);
    }
  }
  const isExplicit = flags.some((flag) => /^(?:--allow-import|-I)/.test(flag));
  return isExplicit || !isFullyGranted({ name: "import" })
    ? flags
    : ["--allow-import", ...flags];
}
