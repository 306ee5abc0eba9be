/**
 * Delays connections as if their ends were far apart. This is what its timers are
 * for: no test uses them to wait.
 *
 * @module
 */

import { delay } from "@std/async/delay";

/** The limit of bytes in flight in one direction. */
const MAX_BYTES = 64 * 2 ** 20;

/** The result of {@linkcode startDelayingRelay}. */
interface DelayingRelay extends AsyncDisposable {
  /** The port to connect to instead of the target's. */
  readonly port: number;
}

/** The address of connections on this machine. */
export interface RelayTarget {
  readonly hostname: string;
  readonly port: number;
}

interface Delayed {
  readonly bytes: Uint8Array;
  readonly due: number;
}

/**
 * Relays TCP connections to the target. In each direction, data arrives at least
 * the given number of milliseconds later, however many bytes are in flight.
 * Opening a connection isn't delayed.
 *
 * @param hostname The address to listen on.
 */
export function startDelayingRelay(
  target: RelayTarget,
  ms: number,
  hostname = "127.0.0.1",
): DelayingRelay {
  const listener = Deno.listen({ hostname, port: 0 });
  const open = new Set<Deno.TcpConn>();
  const relays = new Set<Promise<void>>();

  async function relay(source: Deno.TcpConn): Promise<void> {
    const ends = [source];
    const ways: Promise<void>[] = [];
    open.add(source);
    try {
      const sink = await Deno.connect(target);
      ends.push(sink);
      open.add(sink);
      for (const end of ends) end.setNoDelay();
      ways.push(carry(source, sink, ms), carry(sink, source, ms));
      await Promise.all(ways);
    } catch {
      // One end is gone; the other one is closed below.
    } finally {
      for (const end of ends) if (open.delete(end)) end.close();
      await Promise.allSettled(ways);
    }
  }

  const accepted = (async () => {
    for await (const source of listener) {
      const done = relay(source);
      relays.add(done);
      done.then(() => relays.delete(done));
    }
  })();

  return {
    port: listener.addr.port,
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepted;
      for (const end of open) end.close();
      open.clear();
      await Promise.all(relays);
    },
  };
}

/** Copies data from one connection to another until the first has ended. */
async function carry(
  source: Deno.TcpConn,
  sink: Deno.TcpConn,
  ms: number,
): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  const chunks = new ReadableStream<Delayed>({
    async pull(controller) {
      const size = await source.read(buffer);
      const due = performance.now() + ms;
      controller.enqueue({ bytes: buffer.slice(0, size ?? 0), due });
      if (size === null) controller.close();
    },
  }, { highWaterMark: MAX_BYTES, size: ({ bytes }) => bytes.length });
  for await (const { bytes, due } of chunks) {
    // A timer may fire a little early.
    for (let left; (left = due - performance.now()) > 0;) await delay(left);
    for (let at = 0; at < bytes.length;) {
      at += await sink.write(bytes.subarray(at));
    }
  }
  await sink.closeWrite();
}
