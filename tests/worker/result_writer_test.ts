import { assertEquals } from "@std/assert";
import { Channel } from "../../src/transport/channel.ts";
import { MessageType } from "../../src/protocol/worker_messages.ts";
import { ResultWriter } from "../../src/worker/result_writer.ts";
import { SlowConnection } from "../helpers/slow_connection.ts";

Deno.test("ResultWriter goes on after a flush that was due has ended its list", async () => {
  const connection = new SlowConnection();
  const results = new ResultWriter(new Channel(connection));
  results.streamValue(0, 0, "a", "value");
  results.flush();
  results.streamValue(0, 0, "b", "value");
  results.flush();
  // This list is open when the first write ends, and the second one begins.
  results.streamValue(0, 0, "c", "value");
  await connection.open();
  results.streamValue(0, 0, "d", "value");
  results.value(7, "e");
  results.flush();
  results.value(8, "f");
  await connection.open();
  results.value(9, "g");
  results.flush();
  await connection.open();
  await connection.open();
  const { VALUES, RESULTS } = MessageType;
  const messages = await connection.messages();
  assertEquals(
    messages.map(([type, id, ...rest]) => [type, id, rest.at(-1)]),
    [
      [VALUES, 0, ["a"]],
      [VALUES, 0, ["b"]],
      [VALUES, 0, ["c"]],
      [VALUES, 0, ["d"]],
      [RESULTS, 7, ["e"]],
      [RESULTS, 8, ["f"]],
      [RESULTS, 9, ["g"]],
    ],
  );
});
