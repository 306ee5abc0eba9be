import { assertEquals } from "@std/assert";
import { Queue } from "../../src/util/queue.ts";

function queueOf<T>(...elements: T[]): Queue<T> {
  const queue = new Queue<T>();
  for (const element of elements) queue.push(element);
  return queue;
}

Deno.test("Queue gives elements in the order in which they came", () => {
  const queue = queueOf("a", "b");
  assertEquals(queue.shift(), "a");
  queue.push("c");
  assertEquals([queue.shift(), queue.shift()], ["b", "c"]);
});

Deno.test("Queue that is empty gives undefined, and can go on", () => {
  const queue = queueOf("a");
  queue.shift();
  assertEquals([queue.shift(), queue.peek()], [undefined, undefined]);
  assertEquals(queue.length, 0);
  queue.push("b");
  assertEquals([queue.length, queue.shift()], [1, "b"]);
});

Deno.test("Queue.peek() leaves the first element", () => {
  const queue = queueOf("a", "b");
  queue.shift();
  assertEquals([queue.peek(), queue.peek(), queue.length], ["b", "b", 1]);
});

Deno.test("Queue.drain() takes what wasn't taken before", () => {
  const queue = queueOf(1, 2, 3);
  queue.shift();
  assertEquals(queue.drain(), [2, 3]);
  assertEquals([queue.length, queue.shift()], [0, undefined]);
  queue.push(4);
  assertEquals(queue.drain(), [4]);
  assertEquals(queue.drain(), []);
});

Deno.test("Queue keeps the order of many elements while it grows and shrinks", () => {
  const queue = new Queue<number>();
  let pushed = 0;
  let shifted = 0;
  const push = (count: number) => {
    for (; count > 0; count--) queue.push(pushed++);
  };
  const shift = (count: number) => {
    for (; count > 0; count--) {
      if (queue.peek() !== shifted) throw new Error(`${shifted} isn't first`);
      if (queue.shift() !== shifted++) throw new Error("not what was first");
    }
  };
  // Emptied slots are cut off in the course of this, several times.
  for (let round = 0; round < 20; round++) {
    push(3_000);
    shift(2_500);
    assertEquals(queue.length, pushed - shifted);
  }
  shift(queue.length);
  assertEquals([queue.length, shifted], [0, pushed]);
});

Deno.test("Queue.retain() drops what isn't wanted and keeps the order", () => {
  const queue = queueOf(1, 2, 3, 4, 5);
  queue.shift();
  queue.retain((element) => element % 2 === 1);
  assertEquals([queue.length, queue.toArray()], [2, [3, 5]]);
  queue.push(7);
  queue.unshift(1);
  assertEquals(queue.drain(), [1, 3, 5, 7]);
  queue.retain(() => true);
  assertEquals([queue.length, queue.shift()], [0, undefined]);
});
