import { assertEquals, assertThrows } from "@std/assert";
import { MessageType } from "../../src/protocol/worker_messages.ts";
import { CallWriter } from "../../src/scheduling/call_writer.ts";
import { Channel } from "../../src/transport/channel.ts";
import { call } from "../helpers/fake_worker.ts";
import { SlowConnection } from "../helpers/slow_connection.ts";

const { CALLS, CANCEL, CREDIT, DEFINE, VALUES } = MessageType;

/** The type of each message, and its list. */
async function listsOf(connection: SlowConnection): Promise<unknown[]> {
  const messages = await connection.messages();
  return messages.filter(([type]) => type !== DEFINE)
    .map((message) => [message[0], message.at(-1)]);
}

Deno.test("CallWriter goes on after a flush that was due has ended its list", async () => {
  const connection = new SlowConnection();
  const writer = new CallWriter(new Channel(connection), undefined, () => {});
  writer.writeValue(0, 2, "a");
  writer.flush();
  writer.writeValue(0, 2, "b");
  writer.flush();
  // This list is open when the first write ends, and the second one begins.
  writer.writeValue(0, 2, "c");
  await connection.open();
  writer.writeValue(0, 2, "d");
  writer.flush();
  await connection.open();
  await connection.open();
  assertEquals(await listsOf(connection), [
    [VALUES, ["a"]],
    [VALUES, ["b"]],
    [VALUES, ["c"]],
    [VALUES, ["d"]],
  ]);
});

Deno.test("CallWriter keeps calls and values of streams in messages of their own", async () => {
  const connection = new SlowConnection();
  const writer = new CallWriter(new Channel(connection), undefined, () => {});
  writer.write(call(1));
  writer.write(call(2));
  writer.writeValue(0, 2, "a");
  writer.writeValue(0, 2, "b");
  writer.writeValue(0, 3, "c");
  assertThrows(
    () => writer.writeValue(0, 3, () => {}),
    DOMException,
    "value is a function",
  );
  writer.writeValue(0, 3, "d");
  writer.write(call(3));
  writer.writeValue(1, 3, "e");
  writer.flush();
  await connection.open();
  assertEquals(await listsOf(connection), [
    [CALLS, [[1], [2]]],
    [VALUES, ["a", "b"]],
    [VALUES, ["c"]],
    [VALUES, ["d"]],
    [CALLS, [[3]]],
    [VALUES, ["e"]],
  ]);
});

Deno.test("CallWriter.cancel() doesn't wait until a large call is sent", async () => {
  const connection = new SlowConnection();
  const writer = new CallWriter(new Channel(connection), undefined, () => {});
  writer.write(call(1));
  writer.flush();
  await connection.open();
  writer.write(call(new Uint8Array(1_000_000)));
  writer.flush();
  writer.cancel(0);
  writer.postUrgently([CREDIT, 0, 0, 1, 1]);
  for (let turn = 0; turn < 20; turn++) await connection.open();
  const types = (await connection.messages()).map(([type]) => type);
  assertEquals(types, [DEFINE, CALLS, CANCEL, CREDIT, CALLS, CANCEL]);
});

Deno.test("CallWriter.cancel() sends one message when no large call is being sent", async () => {
  const connection = new SlowConnection();
  const writer = new CallWriter(new Channel(connection), undefined, () => {});
  writer.write(call(1));
  writer.flush();
  writer.cancel(0);
  writer.postUrgently([CREDIT, 0, 0, 1, 1]);
  for (let turn = 0; turn < 3; turn++) await connection.open();
  const types = (await connection.messages()).map(([type]) => type);
  assertEquals(types, [DEFINE, CALLS, CANCEL, CREDIT]);
});
