import { deadline } from "@std/async/deadline";
import { delay } from "@std/async/delay";
import type { Address } from "../transport/address.ts";

/** The pause between two probes, in milliseconds. */
const INTERVAL = 2_000;

/** How long an answer may take, in milliseconds. */
const TIMEOUT = 5_000;

/**
 * Probes an address until it can't be reached any more. This is the only way to
 * notice that a network was cut: connections over it just stay silent.
 *
 * A probe opens a connection. The `ssh` or the operating system of the pool's
 * machine answers it, so a busy program passes too, as long as fewer than about
 * 500 connections wait to be accepted.
 *
 * @param address The address to probe.
 * @param signal Ends the probing.
 * @param isSilent Returns whether a probe is due; by default, it always is.
 * @returns The reason, once a probe has failed.
 * @throws The reason of the signal, once it is aborted.
 */
export async function probeUntilUnreachable(
  address: Address,
  signal: AbortSignal,
  isSilent: () => boolean = () => true,
): Promise<string> {
  for (;;) {
    await delay(INTERVAL, { signal, persistent: false });
    if (!isSilent()) continue;
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
  // At the other end of the tunnel, ssh finds no listener and hangs up.
  using connection = await Deno.connect({
    transport: "unix",
    path: address.path,
  });
  await connection.read(new Uint8Array(1)).catch(() => {});
}
