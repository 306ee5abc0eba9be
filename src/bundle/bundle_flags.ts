/** Flags by which modules are found, whose value follows `=`, if there is one. */
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

/** Those that have a value in any case, after `=` or as the next argument. */
const VALUED_FLAGS = new Set([
  "--cert",
  "--import-map",
  "--min-dep-age",
  "--node-modules-linker",
]);

/**
 * Picks the arguments of `deno run` by which `deno bundle` finds the same
 * modules. From where imports are allowed is up to the program's permissions,
 * unless the arguments say.
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
  const told = flags.some((flag) => /^(?:--allow-import|-I)/.test(flag));
  return told || !mayImport() ? flags : ["--allow-import", ...flags];
}

function mayImport(): boolean {
  const status = Deno.permissions.querySync({ name: "import" });
  return status.state === "granted" && !status.partial;
}
