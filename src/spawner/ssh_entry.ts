/**
 * What runs on an ssh host, as one file that the pool sends: first as the
 * spawner there, then, started by that one, as each of the workers.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import type { Address } from "../wire/address.ts";
import { Channel } from "../wire/channel.ts";
import { connectToPool } from "../wire/connect.ts";
import { introduce } from "../wire/handshake.ts";
import { runWorker } from "../worker/main.ts";
import { Guard } from "./guard.ts";
import { lifelineCut } from "./lifeline.ts";
import { SpawnerSession } from "./session.ts";

/** Serves the pool until it goes, then tidies up all that is its here. */
async function runSpawner(folder: string, number: number): Promise<never> {
  const guard = new Guard(folder);
  const line = await new Response(Deno.stdin.readable).text();
  const secret = Uint8Array.fromHex(line.trimEnd());
  const lifeline = socket(`${folder}/probe.sock`);
  try {
    const pool = socket(`${folder}/pool.sock`);
    const channel = await enter(pool, secret, number, lifeline);
    const session = new SpawnerSession(channel, {
      program: import.meta.filename!,
      config: undefined,
      secret,
      guard,
      peer: "",
      lifeline,
    });
    await session.serve();
  } finally {
    await guard.close();
  }
  return Deno.exit(0);
}

/**
 * Connects to the pool and is let in, for which a program that is busy may
 * take its time.
 *
 * @throws {Error} If it isn't, or the pool can't be reached any more.
 */
async function enter(
  pool: Address,
  secret: Uint8Array<ArrayBuffer>,
  number: number,
  lifeline: Address,
): Promise<Channel> {
  const over = new AbortController();
  const connected = (async () => {
    const connection = await connectToPool(pool, "");
    await introduce(connection, secret, number);
    return new Channel(connection);
  })();
  const cut = lifelineCut(lifeline, over.signal).then((reason) => {
    throw new Error(reason);
  });
  try {
    return await Promise.race([connected, cut]);
  } finally {
    over.abort();
  }
}

function socket(path: string): Address {
  return { transport: "unix", path };
}

const { folder, number } = parseArgs(Deno.args, {
  string: ["folder", "number"],
});
if (folder === undefined) await runWorker(Deno.args);
else await runSpawner(folder, Number(number));
