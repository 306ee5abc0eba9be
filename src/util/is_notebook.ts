/** Whether this program runs in Deno's Jupyter kernel, as cells of a notebook. */
export const isNotebook: boolean = hasJupyter();

function hasJupyter(): boolean {
  try {
    return Deno.jupyter !== undefined;
  } catch {
    // Deno throws wherever the program isn't a notebook.
    return false;
  }
}
