import { assertInstanceOf } from "@std/assert";
import { connect } from "../../src/transport/connect.ts";

Deno.test({
  name: "connect() waits while a Unix socket has too many waiting connections",
  // Elsewhere, a full socket looks like one where nobody listens.
  ignore: Deno.build.os !== "linux",
  async fn() {
    const folder = await Deno.makeTempDir();
    const path = `${folder}/full.sock`;
    const connections: { close(): void }[] = [];
    try {
      const listener = Deno.listen({ transport: "unix", path });
      connections.push(listener);
      const error = await fill(path, connections);
      assertInstanceOf(error, Deno.errors.WouldBlock);
      const connecting = connect({ transport: "unix", path }, "");
      // It may fail before the listener accepts the first connection.
      connecting.catch(() => {});
      for (let count = connections.length; count > 1; count--) {
        connections.push(await listener.accept());
      }
      connections.push(await connecting);
    } finally {
      for (const connection of connections) connection.close();
      await Deno.remove(folder, { recursive: true });
    }
  },
});

/** Connects until that fails; returns the error. */
async function fill(
  path: string,
  connections: { close(): void }[],
): Promise<unknown> {
  try {
    for (;;) {
      connections.push(await Deno.connect({ transport: "unix", path }));
    }
  } catch (error) {
    return error;
  }
}
