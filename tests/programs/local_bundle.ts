/**
 * Prints the main modules of a pool's workers, whose number is given. If a folder
 * and the start of a name are given, waits until the folder has such a file.
 *
 * @module
 */

import { Pool } from "../../mod.ts";

const [workers, folder, start] = Deno.args;
await using pool = new Pool(Number(workers));
const programs = new Set(await pool.runOnAll(() => Deno.mainModule));
console.log([...programs].join("\n"));
if (folder !== undefined) await fileIn(folder, `${start}-`);

async function fileIn(folder: string, start: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  using watcher = Deno.watchFs(folder);
  const isThere = () =>
    [...Deno.readDirSync(folder)].some(({ name }) =>
      name.startsWith(start) && name.endsWith(".js")
    );
  if (isThere()) return;
  for await (const _ of watcher) if (isThere()) return;
}
