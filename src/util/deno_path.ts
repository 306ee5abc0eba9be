/** The `deno` that runs this; a compiled program is none, so one is looked for. */
export function denoPath(): string {
  return Deno.build.standalone ? "deno" : Deno.execPath();
}
