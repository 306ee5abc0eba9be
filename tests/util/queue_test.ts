import { assertEquals } from "@std/assert";
import { Queue } from "../../src/util/queue.ts";

function queueOf<T>(...elements: T[]): Queue<T> {
  const queue = new Queue<T>();
  for (const element of elements) queue.push(element);
  return queue;
}

Deno.test("Queue returns elements in the order in which they were pushed", () => {
  const queue = queueOf("a", "b");
  assertEquals(queue.shift(), "a");
  queue.push("c");
  assertEquals([queue.shift(), queue.shift()], ["b", "c"]);
});

Deno.test("Queue.shift() returns undefined when the queue is empty", () => {
  const queue = queueOf("a");
  queue.shift();
  assertEquals([queue.shift(), queue.peek()], [undefined, undefined]);
  assertEquals(queue.length, 0);
  queue.push("b");
  assertEquals([queue.length, queue.shift()], [1, "b"]);
});

Deno.test("Queue.peek() returns the first element and keeps it", () => {
  const queue = queueOf("a", "b");
  queue.shift();
  assertEquals([queue.peek(), queue.peek(), queue.length], ["b", "b", 1]);
});

Deno.test("Queue.drain() removes and returns the remaining elements", () => {
  const queue = queueOf(1, 2, 3);
  queue.shift();
  assertEquals(queue.drain(), [2, 3]);
  assertEquals([queue.length, queue.shift()], [0, undefined]);
  queue.push(4);
  assertEquals(queue.drain(), [4]);
  assertEquals(queue.drain(), []);
});

Deno.test("Queue keeps its order while it grows and shrinks", () => {
  const queue = new Queue<number>();
  let pushed = 0;
  let shifted = 0;
  const push = (count: number) => {
    for (; count > 0; count--) queue.push(pushed++);
  };
  const shift = (count: number) => {
    for (; count > 0; count--) {
      if (queue.peek() !== shifted) throw new Error(`${shifted} is not first`);
      if (queue.shift() !== shifted++) {
        throw new Error("peek() and shift() differ");
      }
    }
  };
  // Empty slots are removed several times in these rounds.
  for (let round = 0; round < 20; round++) {
    push(3_000);
    shift(2_500);
    assertEquals(queue.length, pushed - shifted);
  }
  shift(queue.length);
  assertEquals([queue.length, shifted], [0, pushed]);
});

Deno.test("Queue.retain() removes elements and keeps the order of the others", () => {
  const queue = queueOf(1, 2, 3, 4, 5);
  queue.shift();
  queue.retain((element) => element % 2 === 1);
  assertEquals([queue.length, queue.peek()], [2, 3]);
  queue.push(7);
  queue.unshift(1);
  assertEquals(queue.drain(), [1, 3, 5, 7]);
  queue.retain(() => true);
  assertEquals([queue.length, queue.shift()], [0, undefined]);
});
