import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  RELAY_WINDOW,
  RelayedConnection,
} from "../../src/transport/relayed_connection.ts";

/** Both ends of a connection, which pass everything on at once. */
class Pair {
  readonly left: RelayedConnection;
  readonly right: RelayedConnection;
  /** What passed, in order. */
  readonly log: string[] = [];

  constructor() {
    const link = (name: string, other: () => RelayedConnection) => ({
      send: (bytes: Uint8Array) => {
        this.log.push(`${name} ${bytes.length}`);
        other().received(bytes.slice());
      },
      grant: (bytes: number) => {
        this.log.push(`${name} grants ${bytes}`);
        other().granted(bytes);
      },
      end: () => {
        this.log.push(`${name} ends`);
        other().ended();
      },
    });
    this.left = new RelayedConnection(link("left", () => this.right));
    this.right = new RelayedConnection(link("right", () => this.left));
  }
}

async function read(
  connection: RelayedConnection,
  length: number,
): Promise<number[] | null> {
  const buffer = new Uint8Array(length);
  const count = await connection.read(buffer);
  return count === null ? null : [...buffer.subarray(0, count)];
}

Deno.test("RelayedConnection.read() returns what was written, in pieces that fit", async () => {
  const { left, right } = new Pair();
  await left.write(new Uint8Array([1, 2, 3]));
  await left.write(new Uint8Array([4, 5]));
  assertEquals(await read(right, 2), [1, 2]);
  assertEquals(await read(right, 9), [3, 4, 5]);
});

Deno.test("RelayedConnection.read() waits for bytes", async () => {
  const { left, right } = new Pair();
  const waiting = read(right, 9);
  await left.write(new Uint8Array([7]));
  assertEquals(await waiting, [7]);
});

Deno.test("RelayedConnection.write() waits for credit", async () => {
  const { left, right, log } = new Pair();
  const bytes = new Uint8Array(RELAY_WINDOW);
  for (let sent = 0; sent < bytes.length;) {
    sent += await left.write(bytes.subarray(sent));
  }
  let isSent = false;
  const last = left.write(new Uint8Array(1)).then(() => isSent = true);
  await Promise.resolve();
  assertEquals(isSent, false);
  await read(right, RELAY_WINDOW);
  await last;
  assertEquals(log.slice(-2), [`right grants ${RELAY_WINDOW}`, "left 1"]);
});

Deno.test("RelayedConnection.received() throws for bytes without credit", () => {
  const { left } = new Pair();
  left.received(new Uint8Array(RELAY_WINDOW));
  assertThrows(() => left.received(new Uint8Array(1)), RangeError, "credit");
});

Deno.test("RelayedConnection.close() ends the other end after what was written", async () => {
  const { left, right, log } = new Pair();
  await left.write(new Uint8Array([1]));
  left.close();
  left.close();
  assertEquals(await read(right, 9), [1]);
  assertEquals(await read(right, 9), null);
  right.close();
  assertEquals(log, ["left 1", "left ends"]);
});

Deno.test("RelayedConnection.close() ends its own read and write", async () => {
  const { left } = new Pair();
  const bytes = new Uint8Array(RELAY_WINDOW);
  for (let sent = 0; sent < bytes.length;) {
    sent += await left.write(bytes.subarray(sent));
  }
  const reading = assertRejects(
    () => read(left, 1),
    Deno.errors.BadResource,
  );
  const writing = assertRejects(
    () => left.write(new Uint8Array(1)),
    Deno.errors.BadResource,
  );
  left.close();
  await reading;
  await writing;
});

Deno.test("RelayedConnection.write() throws when the other end has ended", async () => {
  const { left, right } = new Pair();
  right.close();
  await assertRejects(
    () => left.write(new Uint8Array(1)),
    Deno.errors.BrokenPipe,
  );
});
