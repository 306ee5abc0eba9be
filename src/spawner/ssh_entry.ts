/**
 * What runs on an ssh host, as one file that the pool sends: first as the
 * spawner there, then, started by that one, as each of the workers.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { parseAddress } from "../wire/address.ts";
import { Channel } from "../wire/channel.ts";
import { connectToPool } from "../wire/connect.ts";
import { introduce } from "../wire/handshake.ts";
import { runWorker } from "../worker/main.ts";
import { Guard } from "./guard.ts";
import { SpawnerSession } from "./session.ts";

/** Serves the pool until it goes, then tidies up all that is its here. */
async function runSpawner(folder: string, number: number): Promise<never> {
  const guard = new Guard(folder);
  const line = await new Response(Deno.stdin.readable).text();
  const secret = Uint8Array.fromHex(line.trimEnd());
  try {
    const address = parseAddress(`unix:${folder}/pool.sock`);
    const connection = await connectToPool(address, "");
    await introduce(connection, secret, number);
    const session = new SpawnerSession(new Channel(connection), {
      program: import.meta.filename!,
      config: undefined,
      secret,
      guard,
      peer: "",
      lifeline: { transport: "unix", path: `${folder}/probe.sock` },
    });
    await session.serve();
  } finally {
    await guard.close();
  }
  return Deno.exit(0);
}

const { folder, number } = parseArgs(Deno.args, {
  string: ["folder", "number"],
});
if (folder === undefined) await runWorker(Deno.args);
else await runSpawner(folder, Number(number));
