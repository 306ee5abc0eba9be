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

/** Returns the type of each message, its call and its list, as they arrive. */
async function arrivals(
  act: (results: ResultWriter) => void,
): Promise<unknown[][]> {
  const connection = new SlowConnection();
  const results = new ResultWriter(new Channel(connection));
  act(results);
  results.flush();
  for (let turn = 0; turn < 60; turn++) await connection.open();
  const messages = await connection.messages();
  return messages.map(([type, id, ...rest]) => {
    const list = rest.at(-1);
    if (!Array.isArray(list)) return [type, id];
    return [type, id, list.map((x) => x instanceof Uint8Array ? "large" : x)];
  });
}

const LARGE = new Uint8Array(1_000_000);

Deno.test("ResultWriter doesn't send small results in the message of a large one", async () => {
  const arrived = await arrivals((results) => {
    results.value(0, "a");
    results.value(1, "b");
    results.value(2, LARGE);
    results.value(3, "c");
    results.thrown(4, "d");
  });
  const { FAILURE, RESULTS } = MessageType;
  assertEquals(arrived, [
    [RESULTS, 0, ["a", "b"]],
    [RESULTS, 3, ["c"]],
    [FAILURE, 4, []],
    [RESULTS, 2, ["large"]],
  ]);
});

Deno.test("ResultWriter sends the outcome of a call after its large values", async () => {
  const arrived = await arrivals((results) => {
    results.streamValue(0, 0, LARGE, "value");
    results.streamValue(1, 0, "a", "value");
    results.streamValue(2, 1, LARGE, "message");
    results.end(0);
    results.end(1);
    results.value(2, "b");
    results.value(3, "c");
    results.streamValue(4, 0, LARGE, "value");
    results.streamValue(4, 0, "d", "value");
    results.thrown(4, "e");
  });
  const { END, FAILURE, RESULTS, VALUES } = MessageType;
  assertEquals(arrived, [
    [VALUES, 1, ["a"]],
    [END, 1],
    [VALUES, 0, ["large"]],
    [VALUES, 2, ["large"]],
    [END, 0],
    [RESULTS, 2, ["b", "c"]],
    [VALUES, 4, ["large"]],
    [VALUES, 4, ["d"]],
    [FAILURE, 4, []],
  ]);
});
