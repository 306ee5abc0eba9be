/**
 * What runs on an ssh host, as one file that the pool sends: first as the
 * spawner there, then, started by that one, as each of the workers.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import type { Address } from "../transport/address.ts";
import { Channel } from "../transport/channel.ts";
import { connectToPool } from "../transport/connect.ts";
import { introduce } from "../transport/handshake.ts";
import { runWorker } from "../worker/run_worker.ts";
import { Reaper } from "./reaper.ts";
import { lifelineCut } from "./lifeline.ts";
import { SpawnerSession } from "./spawner_session.ts";

/** Serves the pool until it goes, then tidies up all that is its here. */
async function runSpawner(folder: string, number: number): Promise<never> {
  const reaper = new Reaper(folder);
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
      reaper,
      peer: "",
      lifeline,
    });
    await session.serve();
  } finally {
    await reaper.close();
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
