/**
 * Prints the main modules of a pool's workers, whose number is given, and waits until the bundle is
 * complete in a folder, if one is given.
 *
 * @module
 */

import { Pool } from "../../mod.ts";

const [workers, folder] = Deno.args;
await using pool = new Pool(Number(workers));
const programs = new Set(await pool.runOnAll(() => Deno.mainModule));
console.log([...programs].join("\n"));
if (folder !== undefined) await fileIn(folder);

async function fileIn(folder: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  using watcher = Deno.watchFs(folder);
  const isThere = () =>
    [...Deno.readDirSync(folder)].some(({ name }) =>
      /^index-\w+\.js$/.test(name)
    );
  if (isThere()) return;
  for await (const _ of watcher) if (isThere()) return;
}
