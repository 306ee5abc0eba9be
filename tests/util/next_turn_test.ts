import { assert } from "@std/assert";
import { nextTurn } from "../../src/util/next_turn.ts";

Deno.test("nextTurn() resolves after data that has arrived is read", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  using sender = await Deno.connect({ hostname: "127.0.0.1", port });
  using receiver = await listener.accept();
  const buffer = new Uint8Array(1);
  for (let count = 0; count < 10; count++) {
    let isRead = false;
    const reading = receiver.read(buffer).then(() => isRead = true);
    // On the loopback interface, data has arrived when write() resolves.
    await sender.write(buffer);
    await nextTurn();
    assert(isRead);
    await reading;
  }
});
