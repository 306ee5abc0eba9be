import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { bind, Pool, type PoolOptions, type TaskThis } from "../../mod.ts";
import { REPLACING_TASKS } from "../programs/cancel_replacing_tasks.ts";
import { TestFolder } from "../programs/loss_fixture.ts";

/** A member of a doubly linked list. */
interface Node {
  value: number;
  next: Node | undefined;
  previous: Node | undefined;
}

/** Makes a doubly linked list that ends where it begins. */
function makeRing(...values: number[]): Node {
  const nodes = values.map((value): Node => ({
    value,
    next: undefined,
    previous: undefined,
  }));
  nodes.forEach((node, index) => {
    node.next = nodes[(index + 1) % nodes.length]!;
    node.previous = nodes.at(index - 1)!;
  });
  return nodes[0]!;
}

/** A task: reverses a list, and returns its end and its members in order. */
function reverse(node: Node): { end: Node; all: Node[] } {
  const all: Node[] = [];
  for (let each = node; !all.includes(each); each = each.next!) all.push(each);
  for (const each of all) {
    [each.next, each.previous] = [each.previous, each.next];
  }
  return { end: all.at(-1)!, all };
}

function assertReversed(result: { end: Node; all: Node[] }, length: number) {
  const { end, all } = result;
  assertEquals(all.length, length);
  assertStrictEquals(end, all.at(-1));
  all.forEach((node, index) => {
    assertStrictEquals(node.next, all.at(index - 1));
    assertStrictEquals(node.previous, all[(index + 1) % length]);
  });
}

function makePool(options: PoolOptions = {}): Pool {
  return new Pool({ workers: 1, codec: "structured", ...options });
}

Deno.test("Pool.run() keeps cycles with codec: 'structured'", async () => {
  await using pool = makePool();
  assertReversed(await pool.run(reverse, makeRing(1, 2, 3)), 3);
  assertReversed(await pool.run(reverse, makeRing(...Array(300).keys())), 300);
});

Deno.test("Pool.run() keeps references that arguments share with codec: 'structured'", async () => {
  await using pool = makePool();
  const isSame = (one: unknown, other: unknown[]) => one === other[0];
  const shared = {};
  assert(await pool.run(isSame, shared, [shared]));
  assert(!await pool.run(isSame, shared, [{}]));
  await using other = makePool({ codec: "msgpack" });
  assert(!await other.run(isSame, shared, [shared]));
});

Deno.test("Pool.run() gives each call its own copy with codec: 'structured'", async () => {
  await using pool = makePool();
  const count = (object: { n: number; self?: unknown }) => ++object.n;
  const object: { n: number; self?: unknown } = { n: 0 };
  object.self = object;
  const calls = [1, 2, 3].map(() => pool.run(count, object));
  assertEquals(await Promise.all(calls), [1, 1, 1]);
});

Deno.test("Pool.map() keeps references within items and results only with codec: 'structured'", async () => {
  await using pool = makePool();
  const shared = { n: 0 };
  for (const chunkSize of [1, 3, "auto"] as const) {
    const results = await pool.map(
      ([one, other]: { n: number }[]) => {
        one!.n++;
        return [one, other];
      },
      Array(9).fill([shared, shared]) as { n: number }[][],
      { chunkSize },
    ).toArray();
    const firsts = results.map(([one, other]) => {
      assertStrictEquals(one, other);
      assertEquals(one, { n: 1 });
      return one;
    });
    assertEquals(new Set(firsts).size, 9);
  }
  const sums = pool.map(
    (one: object, other: object) => one === other,
    [[shared, shared], [shared, {}]] as [object, object][],
    { spread: true, chunkSize: 2 },
  );
  assertEquals(await sums.toArray(), [true, false]);
});

Deno.test("Pool.map() keeps cycles in the results before an error with codec: 'structured'", async () => {
  await using pool = makePool();
  const map = pool.map(
    (x: number) => {
      if (x === 2) throw Object.assign(new RangeError("two"), { x });
      const object: { x: number; self?: unknown } = { x };
      object.self = object;
      return object;
    },
    [0, 1, 2, 3],
    { chunkSize: 4 },
  );
  for (const x of [0, 1]) {
    const { value } = await map.next();
    assertEquals(value!.x, x);
    assertStrictEquals(value!.self, value);
  }
  await assertRejects(() => map.next(), RangeError, "two");
});

Deno.test("bind() keeps references that constants share with codec: 'structured'", async () => {
  await using pool = makePool();
  const ring = makeRing(1, 2);
  const task = bind(
    (one: Node, other: Node, x: number) => one.next === other ? x : -1,
    ring,
    ring.next!,
  );
  assertEquals(await pool.run(task, 5), 5);
});

Deno.test("Pool keeps references in initializerArgs with codec: 'structured'", async () => {
  const ring = makeRing(1, 2);
  await using pool = new Pool({
    workers: 1,
    codec: "structured",
    initializer: (one: Node, other: Node) => {
      Object.assign(globalThis, { isRing: one.next === other });
    },
    initializerArgs: [ring, ring.next!],
  });
  const isRing = () => (globalThis as { isRing?: boolean }).isRing;
  assertEquals(await pool.run(isRing), true);
});

Deno.test("Pool.run() keeps the class, the stacks and the cycles of errors with codec: 'structured'", async () => {
  await using pool = makePool();
  const error = await assertRejects(
    () =>
      pool.run(function fail(ring: Node) {
        const error = new Deno.errors.NotFound("gone", { cause: ring });
        throw Object.assign(error, { ring, code: 5, leave: () => {}, error });
      }, makeRing(1, 2)),
    Deno.errors.NotFound,
    "gone",
  );
  const { cause, ring, code, error: same, stack } = error as Error & {
    ring: Node;
    code: number;
    error: Error;
  };
  assertStrictEquals(ring, cause);
  assertStrictEquals(ring.next!.next, ring);
  assertEquals(code, 5);
  assertStrictEquals(same, error);
  assertEquals(Object.hasOwn(error, "leave"), false);
  assert(stack!.includes("fail") && stack!.includes("codec_test.ts"), stack);
});

Deno.test("Pool.run() names the part that can't be sent with codec: 'structured'", async () => {
  await using pool = makePool();
  const ring = makeRing(1, 2);
  Object.assign(ring.next!, { run: () => {} });
  await assertRejects(
    () => pool.run((ring: Node) => ring.value, ring),
    DOMException,
    "args[0].next.run is a function",
  );
  await assertRejects(
    () =>
      pool.run((ring: Node): unknown => {
        return { ring, list: [new Map([["a", Symbol()]])] };
      }, makeRing(1, 2)),
    DOMException,
    "result.list[0].get(a) is a symbol",
  );
  assertReversed(await pool.run(reverse, makeRing(1, 2)), 2);
});

Deno.test("Pool.run() keeps the buffer that views share with codec: 'structured'", async () => {
  await using pool = makePool();
  for (const length of [64, 100_000]) {
    const { buffer } = new Uint8Array(length);
    const views = await pool.run(
      (one: Uint8Array, other: Uint8Array) => {
        one.fill(1);
        return [other, one];
      },
      new Uint8Array(buffer, 0, length / 2),
      new Uint8Array(buffer, length / 4),
    );
    const [other, one] = views;
    assertStrictEquals(other!.buffer, one!.buffer);
    assertEquals(other!.indexOf(0), length / 4);
  }
});

Deno.test("Pool.stream() keeps cycles in each value with codec: 'structured'", async () => {
  await using pool = makePool();
  const stream = pool.stream(function* (ring: Node) {
    for (let count = 0; count < 3; count++) yield [ring, ring.next!];
  }, makeRing(1, 2));
  let count = 0;
  for await (const [one, other] of stream) {
    assertStrictEquals(one!.next, other);
    assertStrictEquals(other!.next, one);
    count++;
  }
  assertEquals(count, 3);
});

Deno.test("Pool.run() keeps references in arguments beside a stream and in its values with codec: 'structured'", async () => {
  await using pool = makePool();
  const ring = makeRing(1, 2);
  async function* rings() {
    yield await Promise.resolve(ring);
    yield ring;
  }
  const task = async (
    one: Node,
    rings: ReadableStream<Node>,
    other: Node,
  ): Promise<boolean[]> => {
    const same = [one.next === other];
    for await (const { next } of rings) same.push(next!.next!.next === next);
    return same;
  };
  assertEquals(await pool.run(task, ring, rings(), ring.next!), [
    true,
    true,
    true,
  ]);
});

Deno.test("Future exchanges messages with cycles with codec: 'structured'", async () => {
  await using pool = makePool();
  const future = pool.submit(async function (this: TaskThis) {
    const { value } = await this.port.next() as { value: Node };
    await this.port.postMessage([value, value.next]);
    return value.next!.next === value;
  });
  const received = Promise.withResolvers<unknown>();
  future.onMessage(received.resolve);
  await future.postMessage(makeRing(1, 2));
  const [one, other] = await received.promise as Node[];
  assertStrictEquals(one!.next, other);
  assertStrictEquals(other!.next, one);
  assertEquals(await future, true);
});

Deno.test("Pool.run() keeps a thrown array that contains itself with codec: 'structured'", async () => {
  await using pool = makePool();
  const thrown = await pool.run(() => {
    const list: unknown[] = [];
    list.push(list, list);
    throw list;
  }).catch((thrown) => thrown);
  assertStrictEquals(thrown[0], thrown);
  assertStrictEquals(thrown[1], thrown);
});

Deno.test("Pool runs lost calls again with the same graph with codec: 'structured'", async () => {
  await using folder = new TestFolder();
  await using pool = makePool({ retries: 2 });
  const ring = makeRing(1, 2, 3);
  // Each call kills its worker at its first run, and may lose the others.
  const results = await Promise.all([1, 2, 3].map((call) =>
    pool.run(
      (path: string, ring: Node) => {
        try {
          Deno.writeTextFileSync(path, "", { createNew: true });
        } catch {
          let size = 1;
          for (let node = ring.next!; node !== ring; node = node.next!) size++;
          return size;
        }
        Deno.kill(Deno.pid, "SIGKILL");
        for (;;);
      },
      folder.file(`${call}`),
      ring,
    )
  ));
  assertEquals(results, [3, 3, 3]);
});

for (const { name, task } of REPLACING_TASKS) {
  Deno.test(`Pool keeps graphs after a task that ${name} with codec: 'structured'`, async () => {
    await using pool = makePool();
    await Promise.allSettled([
      pool.run(task as () => unknown),
      pool.run(reverse, makeRing(1, 2, 3)).then((result) =>
        assertReversed(result, 3)
      ),
    ]);
    assertReversed(await pool.run(reverse, makeRing(1, 2, 3)), 3);
    const error = await pool.run(() => {
      const error: Error & { self?: unknown } = new TypeError("as expected");
      throw Object.assign(error, { self: error, bytes: [new Uint8Array(3)] });
    }).catch((error) => error);
    assertStrictEquals(error.self, error);
    assertEquals(error.bytes, [new Uint8Array(3)]);
  });
}
