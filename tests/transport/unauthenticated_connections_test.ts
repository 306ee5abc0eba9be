import { assert, assertEquals, assertRejects } from "@std/assert";
import { FakeTime } from "../helpers/fake_time.ts";
import type { Connection } from "../../src/transport/connection.ts";
import { UnauthenticatedConnections } from "../../src/transport/unauthenticated_connections.ts";

Deno.test("UnauthenticatedConnections gives each peer more time when many are expected", async () => {
  for (const [most, least] of [[0, 5_000], [1_000, 15_000]] as const) {
    using time = new FakeTime();
    let expected = 0;
    const connections = new UnauthenticatedConnections(() => expected);
    const silent = new SilentConnection();
    const rejected = assertRejects(
      () => connections.authenticate(silent, (peer) => peer.read(BUFFER)),
      DOMException,
    );
    // Others are expected after it has connected, and come before it is late.
    expected = most;
    await time.tickAsync(2_000);
    expected = 0;
    await time.runAllAsync();
    assertEquals((await rejected).name, "TimeoutError");
    const lived = time.now - time.start;
    assert(lived >= least && lived < least + 1_000, `${lived} ms`);
    assertEquals(silent.closed, true);
  }
});

const BUFFER = new Uint8Array(1);

/** A connection over which nothing ever arrives. */
class SilentConnection implements Connection {
  closed = false;

  read(): Promise<number | null> {
    return new Promise(() => {});
  }

  write(bytes: Uint8Array): Promise<number> {
    return Promise.resolve(bytes.length);
  }

  close(): void {
    this.closed = true;
  }

  unref(): void {}
}
