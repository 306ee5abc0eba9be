import { assertEquals, assertRejects } from "@std/assert";
import { ExpectedConnections } from "../../src/hosts/expected_connections.ts";
import { Listeners } from "../../src/hosts/listeners.ts";
import { PoolHandshake } from "../../src/transport/handshake.ts";

/** What listens until the end of its scope, and lets nobody in. */
function makeListeners(): Listeners & Disposable {
  const handshake = new PoolHandshake(() => undefined, { concurrency: 1 });
  const listeners = new Listeners(handshake, new ExpectedConnections());
  return Object.assign(listeners, {
    [Symbol.dispose]: () => listeners.close(),
  });
}

for (const transport of ["tcp", "tls"] as const) {
  Deno.test(`Listeners.listen() listens once at an address (${transport})`, async () => {
    using listeners = makeListeners();
    const address = { transport, hostname: "127.0.0.1", port: 0 };
    const first = await listeners.listen(address);
    assertEquals(await listeners.listen(address), first);
  });

  Deno.test(`Listeners.listen() tries an address again that was in use (${transport})`, async () => {
    using listeners = makeListeners();
    const other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = other.addr;
    const address = { transport, hostname: "127.0.0.1", port };
    try {
      await assertRejects(() => listeners.listen(address), Error);
    } finally {
      other.close();
    }
    assertEquals(await listeners.listen(address), address);
  });
}
