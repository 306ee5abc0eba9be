import {
  assert,
  assertEquals,
  assertLessOrEqual,
  assertRejects,
  assertThrows,
} from "@std/assert";
import {
  type CallPort,
  importTasks,
  Pool,
  type TaskThis,
  WorkerLostError,
} from "../../mod.ts";
import { withFile } from "../helpers/files.ts";
import { Gate } from "../helpers/gate.ts";
import { until } from "../helpers/processes.ts";
import { assertNoneLost, count } from "../helpers/stream_fixture.ts";

const tasks = importTasks<typeof import("../programs/stream_tasks.ts")>(
  import.meta.resolve("../programs/stream_tasks.ts"),
);

/** A task: sends the numbers below `n`, and waits for room after each. */
async function send(this: TaskThis, n: number): Promise<string> {
  for (let x = 0; x < n; x++) await this.port.postMessage(x);
  return "sent";
}

/** A task: returns the first `n` messages. */
async function receive(this: TaskThis, n: number): Promise<unknown[]> {
  const messages: unknown[] = [];
  while (messages.length < n) messages.push((await this.port.next()).value);
  return messages;
}

/** A task that opens its port late, and returns the first message. */
async function receiveLate(this: TaskThis, port: number): Promise<unknown> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.read(new Uint8Array(1));
  return (await this.port.next()).value;
}

/** A task that reads nothing until its caller lets it. */
async function hold(this: TaskThis, port: number, n: number): Promise<unknown> {
  const { port: messages } = this;
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.read(new Uint8Array(1));
  let last: unknown;
  for (let x = 0; x < n; x++) last = (await messages.next()).value;
  return last;
}

Deno.test("onMessage() gets all messages in order, before the result", async () => {
  await using pool = new Pool(1);
  const received: unknown[] = [];
  const listening = pool.with({
    onMessage: (message: unknown) => void received.push(message),
  });
  const result = await listening.run(send, 20_000);
  assertEquals([result, received.length], ["sent", 20_000]);
  assertEquals(received, [...count(20_000)]);
});

Deno.test("onMessage() gets messages of sync tasks, streams and runOnAll()", async () => {
  await using pool = new Pool(2);
  const received: unknown[] = [];
  const listening = pool.with({
    onMessage: (message: unknown) => void received.push(message),
  });
  await listening.run(function (this: TaskThis) {
    this.port.postMessage("sync");
  });
  const stream = listening.stream(function* (this: TaskThis) {
    this.port.postMessage("before");
    yield 1;
    this.port.postMessage("after");
  });
  assertEquals(await Array.fromAsync(stream), [1]);
  await listening.runOnAll(send, 1);
  assertEquals(received, ["sync", "before", "after", 0, 0]);
});

Deno.test("onMessage() gets messages of each item of a map from its own port", async () => {
  await using pool = new Pool(2);
  const answering = pool.with({
    onMessage: (x: number, port: CallPort) => port.postMessage(x * 10),
  });
  const ask = async function (this: TaskThis, x: number) {
    await this.port.postMessage(x);
    return (await this.port.next()).value as number;
  };
  const answers = await answering.map(ask, count(50)).toArray();
  assertEquals(answers, [...count(50)].map((x) => x * 10));
  const single = answering.map(ask, [1], { chunkSize: 1 });
  assertEquals(await single.toArray(), [10]);
  assertThrows(
    () => answering.map(ask, [1], { chunkSize: 2 }),
    RangeError,
    "'chunkSize' must be 1 or \"auto\" with 'onMessage'",
  );
});

Deno.test("onMessage() is awaited, which limits what the task sends", async () => {
  await using pool = new Pool(1);
  const { promise: first, resolve: open } = Promise.withResolvers<void>();
  const received: unknown[] = [];
  const listening = pool.with({
    onMessage: async (message: unknown) => {
      received.push(message);
      await first;
    },
  });
  const result = listening.run(send, 5_000);
  await until(() => received.length > 0);
  assertEquals(received, [0]);
  open();
  assertEquals(await result, "sent");
  // Those that had arrived are still delivered.
  await until(() => received.length === 5_000);
  assertEquals(received, [...count(5_000)]);
});

Deno.test("onMessage() ends the call if it throws or rejects", async () => {
  await using pool = new Pool(1);
  const endless = async function (this: TaskThis) {
    while (!this.signal.aborted) await this.port.postMessage("again");
  };
  const listeners = [
    () => {
      throw new RangeError("on purpose");
    },
    () => Promise.reject(new RangeError("on purpose")),
  ];
  for (const onMessage of listeners) {
    const listening = pool.with({ onMessage });
    await assertRejects(() => listening.run(endless), RangeError, "purpose");
    await assertRejects(
      () => listening.map(endless, [1]).toArray(),
      RangeError,
      "purpose",
    );
    await assertRejects(
      () =>
        Array.fromAsync(listening.stream(async function* (this: TaskThis) {
          while (!this.signal.aborted) yield await this.port.postMessage(1);
        })),
      RangeError,
      "purpose",
    );
  }
  assertEquals(await pool.run(() => "alive"), "alive");
  assertNoneLost(pool);
});

Deno.test("TaskThis.port doesn't block a task if nobody listens or sends", async () => {
  await using pool = new Pool(1);
  assertEquals(await pool.run(send, 5_000), "sent");
  assertEquals(await pool.map(send, [3_000, 0]).toArray(), ["sent", "sent"]);
  const stream = pool.stream(async function* (this: TaskThis) {
    for (let x = 0; x < 3_000; x++) yield await this.port.postMessage(x);
  });
  assertEquals((await Array.fromAsync(stream)).length, 3_000);
});

Deno.test("TaskThis.port refuses messages that can't be sent, and too many", async () => {
  await using pool = new Pool(1);
  const received: unknown[] = [];
  const listening = pool.with({
    onMessage: (message: unknown) => void received.push(message),
  });
  const names = await listening.run(async function (this: TaskThis) {
    const names: string[] = [];
    const attempt = (message: unknown) => {
      try {
        this.port.postMessage(message);
      } catch (error) {
        names.push((error as Error).name, (error as Error).message);
      }
    };
    attempt({ f: () => {} });
    for (let x = 0; x < 1_025; x++) attempt(x);
    await Promise.resolve();
    return names;
  });
  const [name, message, quota, ...others] = names;
  assertEquals([name, quota], ["DataCloneError", "QuotaExceededError"]);
  assert(message!.startsWith("message.f is a function"), message);
  assertEquals(others.length, 1);
  assertEquals(received, [...count(1_024)]);
});

Deno.test("Future.postMessage() reaches the task in order, whenever it opens its port", async () => {
  await using gate = new Gate();
  await using pool = new Pool(1);
  const early = pool.submit(receive, 3);
  for (const x of [1, 2, 3]) await early.postMessage(x);
  assertEquals(await early, [1, 2, 3]);

  const late = pool.submit(receiveLate, gate.port);
  const posted = late.postMessage("hello");
  await gate.entered();
  gate.open();
  await posted;
  assertEquals(await late, "hello");

  // The port is open long before the first message.
  const open = pool.with({}).submit(hold, gate.port, 1);
  await gate.entered();
  const sent = open.postMessage("hello again");
  gate.open();
  assertEquals(await open, "hello again");
  await sent;
});

Deno.test("Future.postMessage() is bounded", async () => {
  await using gate = new Gate();
  await using pool = new Pool(1);
  const future = pool.submit(hold, gate.port, 4_000);
  await gate.entered();
  let posted = 0;
  let last: Promise<void> | undefined;
  assertThrows(
    () => {
      for (;; posted++) last = future.postMessage(posted);
    },
    DOMException,
    "The task hasn't read 1024 messages",
  );
  assertLessOrEqual(posted, 2_048);
  gate.open();
  await last;
  // There is room for another one after each.
  while (posted < 4_000) await future.postMessage(posted++);
  assertEquals(await future, 3_999);
});

Deno.test("Future.postMessage() refuses messages that can't be sent", async () => {
  await using gate = new Gate();
  await using pool = new Pool(1);
  const future = pool.submit(hold, gate.port, 1);
  await gate.entered();
  await assertRejects(
    async () => await future.postMessage(() => {}),
    DOMException,
    "is a function",
  );
  future.postMessage("fine");
  gate.open();
  assertEquals(await future, "fine");
});

Deno.test("Future.postMessage() does nothing once the call has ended", async () => {
  await using pool = new Pool(1);
  const future = pool.submit(send, 0);
  const unread = future.postMessage("never read");
  await future;
  await unread;
  await future.postMessage("late");
  const cancelled = pool.submit(receive, 1);
  const waiting = cancelled.postMessage("never read either");
  cancelled.cancel();
  await waiting;
  await cancelled.postMessage("late");
  await assertRejects(() => cancelled, DOMException);
});

Deno.test("Future.onMessage() replaces the option, from now on", async () => {
  await using pool = new Pool(1);
  const first: unknown[] = [];
  const second: unknown[] = [];
  const future = pool.with({
    onMessage: (message: unknown) => void first.push(message),
  }).submit(tasks.echo);
  await future.postMessage("a");
  await until(() => first.length > 0);
  future.onMessage((message) => void second.push(message));
  await future.postMessage("b");
  await future.postMessage("end");
  assertEquals([await future, first, second], [2, ["a"], ["b"]]);
});

Deno.test("messages keep their content while the sender reuses its memory", async () => {
  await using pool = new Pool(1);
  const size = 100_000;
  const received: number[] = [];
  const future = pool.submit(async function (this: TaskThis, size: number) {
    const { port } = this;
    const mirror = new Uint8Array(size);
    for await (const message of port) {
      if (message === "end") break;
      mirror.fill((message as Uint8Array)[size - 1]!);
      await port.postMessage(mirror);
    }
  }, size).onMessage((bytes) => {
    received.push((bytes as Uint8Array)[size - 1]!);
  });
  const buffer = new Uint8Array(size);
  for (let x = 0; x < 100; x++) {
    buffer.fill(x);
    await future.postMessage(buffer);
  }
  await future.postMessage("end");
  await future;
  assertEquals(received, [...count(100)]);
});

Deno.test("taskPort() works in modules, and only before the first await", async () => {
  await using pool = new Pool(1);
  const echoed: unknown[] = [];
  const future = pool.submit(tasks.echo)
    .onMessage((message) => void echoed.push(message));
  for (const message of ["a", "b", "end"]) await future.postMessage(message);
  assertEquals([await future, echoed], [2, ["a", "b"]]);
  await assertRejects(
    () => pool.run(tasks.lateEcho),
    Error,
    "a task must call taskPort() before it awaits anything",
  );
  const repeated = pool.with({
    onMessage: () => {},
  }).stream(tasks.repeat);
  await repeated.cancel();
  assertNoneLost(pool);
});

Deno.test("a port ends with its call, for code that the task leaves behind", async () => {
  await using gate = new Gate();
  await using pool = new Pool(1);
  const future = pool.submit(function (this: TaskThis, port: number) {
    const connecting = Deno.connect({ hostname: "127.0.0.1", port });
    connecting.then(async (connection) => {
      await connection.read(new Uint8Array(1));
      connection.close();
      const step = await this.port.next();
      await this.port.postMessage("nobody gets this");
      Object.assign(globalThis, { step });
    });
    return "returned";
  }, gate.port);
  assertEquals(await future, "returned");
  await gate.entered();
  gate.open();
  let step: unknown;
  while (step === undefined) {
    step = await pool.run(() => Reflect.get(globalThis, "step"));
  }
  assertEquals(step, { done: true, value: undefined });
  assertNoneLost(pool);
});

Deno.test("a port can be read to its end after its call", async () => {
  await using gate = new Gate();
  await using pool = new Pool({ workers: 1, concurrency: 2 });
  const future = pool.submit(async function (this: TaskThis, port: number) {
    const { port: messages } = this;
    const first = await messages.next();
    using connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.read(new Uint8Array(1));
    (async () => {
      let count = 1;
      for await (const _ of messages) count++;
      Object.assign(globalThis, { count });
    })();
    return first.value;
  }, gate.port);
  for (let x = 0; x < 1_000; x++) future.postMessage(x).catch(() => {});
  await gate.entered();
  // When this call runs, all messages before it have arrived.
  await pool.run(() => {});
  gate.open();
  assertEquals(await future, 0);
  let read: unknown;
  while (read === undefined) {
    read = await pool.run(() => Reflect.get(globalThis, "count"));
  }
  assertEquals(read, 1_000);
  assertNoneLost(pool);
});

Deno.test("a port ends when its call is cancelled", async () => {
  await using pool = new Pool(1);
  const waiting = pool.submit(async function (this: TaskThis) {
    for await (const _ of this.port);
    Object.assign(globalThis, { hasEnded: true });
  });
  await pool.ready;
  await waiting.postMessage("begun");
  waiting.cancel();
  await assertRejects(() => waiting, DOMException, "cancelled");
  assert(await pool.run(() => Reflect.get(globalThis, "hasEnded")));
  assertNoneLost(pool);
});

Deno.test("a port belongs to a new task when a call runs again", async () => {
  await using pool = new Pool({ workers: 1, retries: 1 });
  await withFile("", async (path) => {
    const future = pool.submit(async function (this: TaskThis, path: string) {
      const { port } = this;
      const runs = Deno.readTextFileSync(path).length;
      Deno.writeTextFileSync(path, "x", { append: true });
      await port.postMessage(runs);
      if (runs === 0) Deno.exit(1);
      return (await port.next()).value;
    }, path).onMessage((runs, port) =>
      runs === 0 ? undefined : port.postMessage("live")
    );
    assertEquals(await future, "live");
  });
});

Deno.test("a message to a task that is lost doesn't wait for ever", async () => {
  await using gate = new Gate();
  await using pool = new Pool({ workers: 1, retries: 1 });
  const future = pool.submit(async function (this: TaskThis, port: number) {
    const { port: messages } = this;
    using connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.read(new Uint8Array(1));
    await messages.next();
    Deno.exit(1);
  }, gate.port);
  await gate.entered();
  const posted = Array.from(count(1_024), (x) => future.postMessage(x));
  gate.open();
  await assertRejects(() => future, WorkerLostError);
  await Promise.all(posted);
});
