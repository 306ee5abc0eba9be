/** Makes a worker on the spawner server in its argument print something. */

import { Pool } from "../../mod.ts";

await using pool = new Pool(0, Deno.args[0]!);
await pool.run(async () => {
  const write = async (text: string) => {
    await Deno.stdout.write(new TextEncoder().encode(text));
  };
  console.log("one");
  console.error("three");
  await write("t");
  await write("wo\nno end");
});
