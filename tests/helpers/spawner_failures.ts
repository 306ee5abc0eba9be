/**
 * Helpers for tests of unusable spawner servers.
 *
 * @module
 */

import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  BrokenPoolError,
  HostError,
  type HostSpec,
  type HostStep,
  Pool,
  type PoolOptions,
} from "../../mod.ts";

/** Checks that a pool can't use a host, and its error. */
export async function assertFails(
  host: HostSpec,
  step: HostStep,
  words: readonly string[],
  options: PoolOptions = {},
): Promise<HostError> {
  await using pool = new Pool({ workers: 0, ...options, hosts: host });
  const run = assertRejects(() => pool.run(() => 1), BrokenPoolError);
  const error = await assertRejects(() => pool.ready, BrokenPoolError);
  await run;
  assertInstanceOf(error.cause, HostError);
  const { cause } = error;
  assertEquals(cause.step, step, cause.message);
  for (const word of words) assertStringIncludes(cause.message, word);
  assertStringIncludes(error.message, cause.message);
  assertEquals(pool.stats().hosts[0]!.error, cause);
  return cause;
}

/** Calls a function with the port of a listener that calls `treat` for each connection. */
export async function withListener(
  treat: (connection: Deno.TcpConn) => Promise<void>,
  run: (port: number) => Promise<unknown>,
): Promise<void> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connections: Deno.Conn[] = [];
  const accepting = (async () => {
    for await (const connection of listener) {
      connections.push(connection);
      await treat(connection).catch(() => {});
    }
  })();
  try {
    await run(listener.addr.port);
  } finally {
    listener.close();
    await accepting;
    for (const connection of connections) {
      try {
        connection.close();
      } catch {
        // The connection was already closed.
      }
    }
  }
}
