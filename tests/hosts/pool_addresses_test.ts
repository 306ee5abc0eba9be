import { assertEquals, assertRejects } from "@std/assert";
import { PoolAddresses } from "../../src/hosts/pool_addresses.ts";

/** The addresses of a pool until the end of the scope; it admits no worker. */
function makeAddresses(): PoolAddresses & Disposable {
  const addresses = new PoolAddresses({
    authenticate: () => Promise.reject(new Error("Nobody is admitted")),
    onChannel: () => {},
  });
  return Object.assign(addresses, {
    [Symbol.dispose]: () => addresses.close(),
  });
}

for (const transport of ["tcp", "tls"] as const) {
  Deno.test(`PoolAddresses.listen() listens once at an address (${transport})`, async () => {
    using addresses = makeAddresses();
    const address = { transport, hostname: "127.0.0.1", port: 0 };
    const first = await addresses.listen(address);
    assertEquals(await addresses.listen(address), first);
  });

  Deno.test(`PoolAddresses.listen() can retry an address that was in use (${transport})`, async () => {
    using addresses = makeAddresses();
    const other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = other.addr;
    const address = { transport, hostname: "127.0.0.1", port };
    try {
      await assertRejects(() => addresses.listen(address), Error);
    } finally {
      other.close();
    }
    assertEquals(await addresses.listen(address), address);
  });
}
