/**
 * Prints the main modules of a pool's workers, and waits until a file appears
 * in a folder, if one is given.
 *
 * @module
 */

import { Pool } from "../../mod.ts";

const [folder] = Deno.args;
await using pool = new Pool(8);
const programs = new Set(await pool.runOnAll(() => Deno.mainModule));
console.log([...programs].join("\n"));
if (folder !== undefined) await fileIn(folder);

async function fileIn(folder: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  using watcher = Deno.watchFs(folder);
  const isThere = () =>
    [...Deno.readDirSync(folder)].some(({ name }) => name.endsWith(".js"));
  if (isThere()) return;
  for await (const _ of watcher) if (isThere()) return;
}
