/** Returns the `deno` that runs this; for a compiled program, that on the PATH. */
export function denoPath(): string {
  return Deno.build.standalone ? "deno" : Deno.execPath();
}
