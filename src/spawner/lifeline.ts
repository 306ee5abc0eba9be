import { deadline } from "@std/async/deadline";
import { delay } from "@std/async/delay";
import type { Address } from "../transport/address.ts";

/** The pause between two probes, in milliseconds. */
const INTERVAL = 2_000;

/** How long an answer may take, in milliseconds. */
const TIMEOUT = 5_000;

/**
 * Notices when the pool's machine can't be reached any more, where nothing
 * else would tell: a connection over a network that is cut just stays silent.
 *
 * It opens a connection now and then. The answer comes from the `ssh` of the
 * pool's machine, or from its system, which answers for a program that is busy
 * as long as some 500 connections don't wait to be accepted.
 *
 * @param address What is probed.
 * @param signal Ends the probing.
 * @returns A promise resolved to the reason when a probe wasn't answered.
 */
export async function lifelineCut(
  address: Address,
  signal: AbortSignal,
): Promise<string> {
  for (;;) {
    await delay(INTERVAL, { signal, persistent: false });
    try {
      await deadline(probe(address), TIMEOUT, { signal });
    } catch (error) {
      if (signal.aborted) throw error;
      return `The pool can't be reached any more: ${error}`;
    }
  }
}

async function probe(address: Address): Promise<void> {
  if (address.transport !== "unix") {
    const { hostname, port } = address;
    (await Deno.connect({ hostname, port })).close();
    return;
  }
  // At the other end of the tunnel ssh finds no one, and hangs up.
  using connection = await Deno.connect({
    transport: "unix",
    path: address.path,
  });
  await connection.read(new Uint8Array(1)).catch(() => {});
}
