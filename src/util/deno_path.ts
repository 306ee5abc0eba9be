/** Returns the path of the running `deno`, or `"deno"` in a compiled program. */
export function denoPath(): string {
  return Deno.build.standalone ? "deno" : Deno.execPath();
}
