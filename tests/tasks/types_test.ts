/**
 * Types that `deno check` tests. Nothing here runs: each `Same` must be true,
 * and each `@ts-expect-error` must be an error.
 */

import { assert } from "@std/assert";
import type { Buffer } from "node:buffer";
import type { Stats } from "node:fs";
import {
  bind,
  Future,
  type ImportedTasks,
  type Pool,
  type PoolOptions,
  type Task,
  type TaskLike,
  taskPort,
  type TaskThis,
  type Transferred,
  type TransformOptions,
} from "../../mod.ts";

/** Whether two types are identical. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends
  (<T>() => T extends B ? 1 : 2) ? true : false;

declare const pool: Pool;
declare const PoolClass: typeof Pool;

/** Takes a type that must be `true`. */
function check<_Condition extends true>(): void {}

/** Takes code that is compiled but not run. */
function compile(_code: () => unknown): void {}

/** Checks the type of a value, awaited. */
function isSame<Expected>() {
  return <Actual>(
    _actual: Actual | PromiseLike<Actual>,
    ..._same: Same<Actual, Expected> extends true ? [] : [never]
  ): void => {};
}

Deno.test("Pool.run() takes a function with a default value", () => {
  compile(() => {
    isSame<number>()(pool.run((x: number, y = 2) => x + y, 1));
    isSame<number>()(pool.submit((x: number, y = 2) => x + y, 1));
    const scale = (x: number, factor = 2) => x * factor;
    isSame<number>()(pool.run(scale, 1));
    isSame<number>()(pool.run(scale, 1, 3));
    // @ts-expect-error The factor is a number.
    pool.run(scale, 1, "3");
    isSame<number[]>()(pool.runOnAll(scale, 1));
  });
});

Deno.test("Pool.map() takes a function with a default value", () => {
  compile(() => {
    const scale = (x: number, factor = 2) => x * factor;
    isSame<number[]>()(pool.map(scale, [1]).toArray());
    isSame<number[]>()(pool.map(scale, [1], [2]).toArray());
    isSame<number[]>()(pool.map(scale, [1], { ordered: false }).toArray());
    isSame<number[]>()(
      pool.map((x: number, y = 2) => x + y, [1], { chunkSize: 1 }).toArray(),
    );
    isSame<number[]>()(
      pool.map((x: number, y: number, z = 3) => x + y + z, [1], [2]).toArray(),
    );
  });
});

Deno.test("Pool.run() infers the type parameters of a generic function", () => {
  compile(() => {
    const reverse = <T>(items: T[]): T[] => items.toReversed();
    const pair = <A, B>(a: A, b: B): [A, B] => [a, b];
    isSame<number[]>()(pool.run(reverse, [1, 2]));
    isSame<string[]>()(pool.submit(reverse, ["a"]));
    isSame<[number, string]>()(pool.run(pair, 1, "a"));
    isSame<number[][]>()(pool.map(reverse, [[1], [2]]).toArray());
    isSame<[number, string][]>()(pool.map(pair, [1], ["a"]).toArray());
  });
});

function double(value: number): number;
function double(value: string): Promise<string>;
function double(value: Date, times: number): Date[];
function double(value: unknown): unknown {
  return value;
}

Deno.test("Pool.run() selects the overload that takes the arguments", () => {
  compile(() => {
    isSame<number>()(pool.run(double, 1));
    isSame<string>()(pool.run(double, "a"));
    isSame<Date[]>()(pool.run(double, new Date(), 2));
    isSame<number>()(pool.submit(double, 1));
    // @ts-expect-error No overload takes a boolean.
    pool.run(double, true);
    // @ts-expect-error The overload for dates needs a number, too.
    pool.run(double, new Date());
  });
});

interface StreamModule {
  letters(text: string): Generator<string>;
  later(n: number): Promise<AsyncGenerator<number>>;
}

interface Module {
  double: typeof double;
  reverse<T>(items: T[]): T[];
  later(x: number): Promise<string>;
  stats(path: string): Stats;
  readonly version: string;
}

Deno.test("ImportedTasks keeps overloads, and skips exports that aren't functions", () => {
  compile(() => {
    const tasks = {} as ImportedTasks<Module>;
    check<Same<keyof typeof tasks, "double" | "reverse" | "later" | "stats">>();
    check<Same<typeof tasks.later, Task<[x: number], string>>>();
    isSame<number>()(pool.run(tasks.double, 1));
    isSame<string>()(pool.run(tasks.double, "a"));
    isSame<string>()(pool.run(tasks.later, 1));
    isSame<unknown[]>()(pool.run(tasks.reverse, [1]));
    const chosen = {} as ImportedTasks<{ reverse(items: number[]): number[] }>;
    isSame<number[]>()(pool.run(chosen.reverse, [1]));
  });
});

Deno.test("Task can't be called by the program", () => {
  compile(() => {
    const tasks = {} as ImportedTasks<Module>;
    // @ts-expect-error It has no `this` here.
    tasks.later(1);
    // @ts-expect-error A worker's result comes later.
    const texts: string[] = [1, 2].map(tasks.later);
    return texts;
  });
});

Deno.test("Pool.map() infers any number of parameters", () => {
  compile(() => {
    isSame<number[]>()(pool.map((x) => x * 2, [1]).toArray());
    isSame<string[]>()(pool.map((x, y) => x + y, ["a"], [1]).toArray());
    isSame<string[]>()(
      pool.map((x, y, z) => `${x.length}${y.toFixed()}${z}`, ["a"], [1], [2n])
        .toArray(),
    );
    isSame<number[]>()(
      pool.map((a, b, c, d) => a + b + c + d, [1], [2], [3], [4]).toArray(),
    );
    isSame<number[]>()(
      pool.map((a, b, c) => a + b + c, [1], [2], [3], { ordered: false })
        .toArray(),
    );
    // @ts-expect-error An item is a string.
    pool.map((a: number, b: number, c: number) => a + b + c, [1], [2], ["3"]);
  });
});

Deno.test("bind() infers the arguments that remain", () => {
  compile(() => {
    const add = (a: number, b: number, c = 3) => a + b + c;
    const one = bind(add, 1);
    check<Same<typeof one, Task<[b: number, c?: number], number>>>();
    const two = bind(add, 1, 2);
    check<Same<typeof two, Task<[c?: number], number>>>();
    const three = bind(add, 1, 2, 3);
    check<Same<typeof three, Task<[], number>>>();
    const byDefault = bind((x: number, y = 3) => x + y, 5);
    check<Same<typeof byDefault, Task<[y?: number], number>>>();
    const literal = bind((x: "a" | "b", y: number) => x + y, "a");
    check<Same<typeof literal, Task<[y: number], string>>>();
    const tuple = bind((p: [number, number], y: string) => p[0] + y, [1, 2]);
    check<Same<typeof tuple, Task<[y: string], string>>>();
    const rest = bind((x: number, ...more: number[]) => x + more.length, 1);
    check<Same<typeof rest, Task<number[], number>>>();
    const inner = bind((x: number, y: number, z: number) => x * y * z, 1);
    const twice = bind(inner, 2);
    check<Same<typeof twice, Task<[z: number], number>>>();
    const later = bind((x: number, y: number) => Promise.resolve(x + y), 1);
    check<Same<typeof later, Task<[y: number], number>>>();
    // @ts-expect-error The parameter has no type.
    bind((x) => x, 1);
    // @ts-expect-error The constant has another type.
    bind(add, "1");
    // @ts-expect-error The second constant has another type.
    bind(add, 1, "2");
    // @ts-expect-error There is no such parameter.
    bind(() => 1, 2);
  });
});

Deno.test("Pool checks initializerArgs against the initializer", () => {
  compile(() => {
    const initializer = (level: number, name = "a") => `${level}${name}`;
    new PoolClass({ initializer, initializerArgs: [1] });
    new PoolClass({ initializer, initializerArgs: [1, "b"] });
    new PoolClass(2, [], { initializer, initializerArgs: [1] });
    new PoolClass({ initializer: () => {} });
    const options: PoolOptions = { initializer, initializerArgs: [1] };
    new PoolClass(options);
    // @ts-expect-error The first argument is a number.
    new PoolClass({ initializer, initializerArgs: ["1"] });
    // @ts-expect-error The first argument is missing.
    new PoolClass({ initializer });
    // @ts-expect-error There is no third argument.
    new PoolClass({ initializer, initializerArgs: [1, "b", 2] });
    // @ts-expect-error The first argument is a number.
    new PoolClass(2, [], { initializer, initializerArgs: ["1"] });
    const any: (pool: Pool) => void = () => {};
    any(new PoolClass({ initializer, initializerArgs: [1] }));
  });
});

interface Page extends Array<string> {
  next?: URL;
  first(): string | undefined;
}

class Point {
  readonly #secret = 1;
  constructor(readonly x: number, readonly y: number) {}
  length(): number {
    return Math.hypot(this.x, this.y) * this.#secret;
  }
}

interface CodeError extends Error {
  code: number;
  explain(): string;
}

interface Person {
  readonly name: string;
  age?: number;
  parents: Person[];
}

type Json = string | number | boolean | null | Json[] | {
  [name: string]: Json;
};

Deno.test("Transferred drops methods and classes", () => {
  check<Same<Transferred<Buffer>, Uint8Array<ArrayBuffer>>>();
  check<Same<Transferred<Uint8Array>, Uint8Array<ArrayBuffer>>>();
  check<Same<Transferred<Point>, { readonly x: number; readonly y: number }>>();
  check<
    Same<Transferred<Point[]>, { readonly x: number; readonly y: number }[]>
  >();
  check<Same<Transferred<[Point, 1]>[1], 1>>();
  check<
    Same<
      Transferred<Map<string, Point>> extends Map<string, infer V> ? V : 0,
      { readonly x: number; readonly y: number }
    >
  >();
  check<Same<keyof Transferred<Stats> & "isFile", never>>();
  check<Same<Transferred<Stats>["size"], number>>();
  check<Same<Transferred<Stats>["mtime"], Date>>();
  check<Same<Transferred<{ a: number; f(): void }>, { a: number }>>();
  check<Same<Transferred<RegExpExecArray>[number], string>>();
  check<Same<Transferred<RegExpExecArray>["index"], number>>();
  check<Same<Transferred<Page>["next"], URL | undefined>>();
  check<Same<keyof Transferred<Page> & "first", never>>();
  check<Same<Transferred<CodeError>["code"], number>>();
  check<Same<keyof Transferred<CodeError> & "explain", never>>();
});

Deno.test("Transferred keeps plain data and built-in classes", () => {
  check<Same<Transferred<number | undefined>, number | undefined>>();
  check<Same<Transferred<boolean>, boolean>>();
  check<Same<Transferred<void>, void>>();
  check<Same<Transferred<unknown>, unknown>>();
  check<Same<Transferred<never>, never>>();
  check<Same<Transferred<Person>, Person>>();
  check<Same<Transferred<Person[]>, Person[]>>();
  check<Same<Transferred<Json>, Json>>();
  check<Same<Transferred<[a: number, b?: string]>, [a: number, b?: string]>>();
  check<Same<Transferred<Date>, Date>>();
  check<Same<Transferred<RegExp>, RegExp>>();
  check<Same<Transferred<URL>, URL>>();
  check<Same<Transferred<Blob>, Blob>>();
  check<Same<Transferred<File[]>, File[]>>();
  check<Same<Transferred<CryptoKey>, CryptoKey>>();
  check<Same<Transferred<CryptoKeyPair>, CryptoKeyPair>>();
  // deno-lint-ignore ban-types
  check<Same<Transferred<Number | String>, Number | String>>();
  check<Same<Transferred<Map<string, Date>>, Map<string, Date>>>();
  check<Same<Transferred<Set<number>>, Set<number>>>();
  check<Same<Transferred<Error>, Error>>();
  check<Same<Transferred<TypeError>, TypeError>>();
  check<Same<Transferred<ArrayBuffer>, ArrayBuffer>>();
  check<
    Same<Transferred<Float64Array<ArrayBuffer>>, Float64Array<ArrayBuffer>>
  >();
  check<Same<Transferred<Record<string, number>>, Record<string, number>>>();
  check<Same<Transferred<Deno.FileInfo>, Deno.FileInfo>>();
  // deno-lint-ignore no-explicit-any
  check<Same<Transferred<any>, any>>();
});

Deno.test("Pool's results have the types of copies", () => {
  compile(() => {
    const bytes = {} as ImportedTasks<{ read(path: string): Buffer }>;
    isSame<Uint8Array<ArrayBuffer>>()(pool.run(bytes.read, "a"));
    isSame<Uint8Array<ArrayBuffer>>()(pool.submit(bytes.read, "a"));
    isSame<Uint8Array<ArrayBuffer>[]>()(pool.runOnAll(bytes.read, "a"));
    isSame<Uint8Array<ArrayBuffer>[]>()(pool.map(bytes.read, ["a"]).toArray());
    const makePoint = (x: number) => new Point(x, x);
    // @ts-expect-error The method stays in the worker.
    pool.run(makePoint, 1).then((point) => point.length());
    pool.run(makePoint, 1).then(({ x, y }) => x + y);
    type Outcome = { bytes: number } | { reason: string };
    isSame<Outcome>()(
      pool.run(
        (ok: boolean): Outcome => ok ? { bytes: 1 } : { reason: "" },
        true,
      ),
    );
  });
});

Deno.test("Pool refuses tasks whose results can't be sent", () => {
  compile(() => {
    // @ts-expect-error A function can't be sent.
    pool.run(() => () => 1);
    // @ts-expect-error A function can't be sent.
    pool.run(async () => await Promise.resolve(() => 1));
    // @ts-expect-error A generator can't be sent.
    pool.run(function* () {
      yield 1;
    });
    // @ts-expect-error An async generator can't be sent.
    pool.submit(async function* () {
      yield await Promise.resolve(1);
    });
    // @ts-expect-error A generator can't be sent.
    pool.runOnAll(function* () {
      yield 1;
    });
    // @ts-expect-error A symbol can't be sent.
    pool.runOnAll(() => Symbol());
    // @ts-expect-error A response can't be sent.
    pool.run((url: string) => fetch(url), "https://example.org");
    const tasks = {} as ImportedTasks<{ each(): Generator<number> }>;
    // @ts-expect-error A generator can't be sent.
    pool.run(tasks.each);
  });
});

Deno.test("Pool passes a task its `this`, and checks how the task uses it", () => {
  compile(() => {
    isSame<boolean>()(pool.run(function () {
      return this.signal.aborted;
    }));
    isSame<boolean[]>()(
      pool.map(function (x) {
        return this.signal.aborted && x > 1;
      }, [1]).toArray(),
    );
    isSame<boolean>()(pool.run(function (this: TaskThis, x: number) {
      return this.signal.aborted && x > 1;
    }, 1));
    pool.run(function () {
      // @ts-expect-error There is no such property.
      return this.signals;
    });
    // @ts-expect-error A task has no such `this`.
    pool.run(function (this: Date) {
      return this.getTime();
    });
  });
});

Deno.test("TaskLike lets a generic function pass tasks on", () => {
  compile(() => {
    function parallel<Item, Result>(
      items: Item[],
      task: TaskLike<[Item], Result>,
    ): Promise<Transferred<Result>[]> {
      return pool.map(task, items).toArray();
    }
    function again<Args extends unknown[], Result>(
      task: TaskLike<Args, Result>,
      ...args: Args
    ): Promise<Transferred<Result>> {
      return pool.run(task, ...args);
    }
    isSame<string[]>()(parallel([1], (x) => `${x}`));
    isSame<string>()(again((x: number) => `${x}`, 1));
    const tasks = {} as ImportedTasks<Module>;
    isSame<string[]>()(parallel([1], tasks.later));
  });
});

Deno.test("Pool checks the arguments of tasks", () => {
  compile(() => {
    const task = (x: number, y: string) => x + y;
    isSame<string>()(pool.run(task, 1, "a"));
    isSame<number>()(pool.run((x) => x + 1, 1));
    isSame<string>()(pool.run((x, y) => x + y, 1, "a"));
    isSame<number>()(pool.run((point: { x: number }) => point.x, { x: 1 }));
    isSame<number>()(pool.run((side: "left" | "right") => side.length, "left"));
    // @ts-expect-error The second argument is missing.
    pool.run(task, 1);
    // @ts-expect-error The second argument is a string.
    pool.run(task, 1, 2);
    // @ts-expect-error There is no third argument.
    pool.run(task, 1, "a", 2);
    // @ts-expect-error An item is a number.
    pool.map(task, ["1"], ["a"]);
    // @ts-expect-error There is no such option.
    pool.map(task, [1], ["a"], { orderd: false });
    // @ts-expect-error Each item is an array of both arguments.
    pool.map(task, [[1]], { spread: true });
    isSame<string[]>()(
      pool.map(task, [[1, "a"]] as [number, string][], { spread: true })
        .toArray(),
    );
  });
});

Deno.test("Pool.transform() infers both sides", () => {
  compile(() => {
    const toText = pool.transform((x: number) => `${x}`);
    isSame<TransformStream<number, string>>()(toText);
    isSame<TransformStream<number, { x: number }>>()(
      pool.transform((x: number) =>
        new (class {
          x = x;
          method() {}
        })()
      ),
    );
    const tasks = {} as ImportedTasks<Module>;
    isSame<TransformStream<number, string>>()(pool.transform(tasks.later));
    isSame<TransformStream<readonly [number, string], string>>()(
      pool.with({}).transform((x: number, y: string) => x + y, {
        spread: true,
      }),
    );
    isSame<TransformStream<readonly [number], number>>()(
      pool.transform((x: number) => x, { spread: true }),
    );
    const options: TransformOptions = { ordered: false };
    isSame<TransformStream<number, number>>()(
      pool.transform((x: number) => x, options),
    );
  });
});

Deno.test("Pool.transform() infers what a generator yields", () => {
  compile(() => {
    isSame<TransformStream<string, number>>()(
      pool.transform(function* (text: string) {
        yield text.length;
      }),
    );
    isSame<TransformStream<number, Date>>()(
      pool.transform(async function* (count: number) {
        for (let x = 0; x < count; x++) yield new Date(x);
      }, { ordered: false }),
    );
    const wrong = function* (): Generator<() => void> {};
    // @ts-expect-error A function can't be sent.
    pool.transform(wrong);
  });
});

Deno.test("Pool.transform() fits into a pipe", () => {
  compile(() => {
    const source = ReadableStream.from([1]);
    isSame<ReadableStream<string>>()(
      source.pipeThrough(pool.transform((x: number) => `${x}`)),
    );
    isSame<ReadableStream<number>>()(
      ReadableStream.from([[1, 2]] as const).pipeThrough(
        pool.transform((x: number, y: number) => x + y, { spread: true }),
      ),
    );
    // @ts-expect-error The source has numbers.
    source.pipeThrough(pool.transform((x: string) => x));
  });
});

Deno.test("Pool.transform() checks its task and options", () => {
  compile(() => {
    const task = (x: number) => `${x}`;
    pool.transform(task, {
      writableStrategy: { size: (x) => x },
      readableStrategy: { size: (text) => text.length },
    });
    pool.transform(task, {
      // @ts-expect-error A value is a number.
      writableStrategy: { size: (x) => x.length },
    });
    // @ts-expect-error There is no such option.
    pool.transform(task, { orderd: false });
    // @ts-expect-error A queuing strategy isn't the options.
    pool.transform(task, new CountQueuingStrategy({ highWaterMark: 1 }));
    // @ts-expect-error The task needs a second argument.
    pool.transform((x: number, y: number) => x + y);
    // @ts-expect-error A function can't be sent.
    pool.transform((x: number) => () => x);
  });
});

Deno.test("PoolOptions checks the codec, which changes no other type", () => {
  interface Node {
    next: Node;
  }
  const nextOf = (node: Node) => node.next;
  const node = {} as Node;
  compile(() => {
    const codec: PoolOptions["codec"] = "msgpack";
    const own = new PoolClass({ workers: 1, codec: "structured" });
    isSame<Node>()(own.run(nextOf, node));
    isSame<Node>()(new PoolClass({ codec }).run(nextOf, node));
    // @ts-expect-error There is no such codec.
    new PoolClass({ codec: "pickle" });
    // @ts-expect-error It is a string.
    new PoolClass({ codec: true });
  });
});

Deno.test("Future can't be constructed", () => {
  compile(() => {
    // @ts-expect-error Its constructor is private.
    new Future();
  });
  assert(typeof Future === "function");
});

Deno.test("Pool.stream() infers what a task yields", () => {
  compile(() => {
    isSame<ReadableStream<number>>()(
      pool.stream(function* (n: number) {
        yield n;
      }, 1),
    );
    isSame<ReadableStream<string>>()(
      pool.stream(async function* () {
        yield await Promise.resolve("a");
      }),
    );
    isSame<ReadableStream<number>>()(
      pool.stream(function* () {
        yield Promise.resolve(1);
      }),
    );
    isSame<ReadableStream<string>>()(
      pool.stream((text) => text.split(""), "a"),
    );
    isSame<ReadableStream<Date>>()(pool.stream(() => new Set([new Date()])));
    isSame<ReadableStream<[string, number]>>()(
      pool.stream(() => Promise.resolve(new Map([["a", 1]]))),
    );
    isSame<ReadableStream<Uint8Array<ArrayBuffer>>>()(
      pool.stream(
        (bytes: ReadableStream<Uint8Array<ArrayBuffer>>) =>
          bytes.pipeThrough(new CompressionStream("gzip")),
        new Blob(["text"]).stream(),
      ),
    );
    const tasks = {} as ImportedTasks<StreamModule>;
    isSame<ReadableStream<string>>()(pool.stream(tasks.letters, "abc"));
    isSame<ReadableStream<number>>()(
      pool.with({ timeout: 1 }).stream(tasks.later, 1),
    );
  });
});

Deno.test("Pool.stream() refuses wrong arguments, and tasks that yield nothing", () => {
  compile(() => {
    const tasks = {} as ImportedTasks<StreamModule>;
    // @ts-expect-error The argument is a string.
    pool.stream(tasks.letters, 1);
    // @ts-expect-error The argument is missing.
    pool.stream(tasks.letters);
    // @ts-expect-error A number isn't iterable.
    pool.stream(() => 1);
    // @ts-expect-error A string is a single result.
    pool.stream(() => "text");
    // @ts-expect-error A function can't be sent.
    pool.stream(function* () {
      yield () => {};
    });
  });
});

Deno.test("Pool.run() refuses generators and streams as results", () => {
  compile(() => {
    // @ts-expect-error Call it with stream() or map().
    pool.run(function* () {
      yield 1;
    });
    // @ts-expect-error Call it with stream() or map().
    pool.submit(async function* () {
      yield await Promise.resolve(1);
    });
    // @ts-expect-error Call it with stream() or map().
    pool.runOnAll(() => [1].values());
    // @ts-expect-error Call it with stream() or map().
    pool.run(() => new ReadableStream());
  });
});

Deno.test("Pool.map() infers the values that a task yields", () => {
  compile(() => {
    const repeat = function* (text: string, times = 1) {
      for (let time = 0; time < times; time++) yield text;
    };
    isSame<string[]>()(
      pool.map(function* (text: string) {
        yield text;
      }, ["a"]).toArray(),
    );
    isSame<number[]>()(
      pool.map((x: number) => ReadableStream.from([x]), [1]).toArray(),
    );
    isSame<number[]>()(
      pool.map((x: number) => Promise.resolve([x].values()), [1]).toArray(),
    );
    isSame<number[]>()(
      pool.map(function* (x: number) {
        yield Promise.resolve(x);
      }, [1]).toArray(),
    );
    isSame<string[]>()(pool.map(repeat, ["a"], [1]).toArray());
    isSame<string[]>()(
      pool.map(
        function* (text: string, times: number) {
          yield text.repeat(times);
        },
        [["a", 1]],
        { spread: true },
      ).toArray(),
    );
    isSame<number[][]>()(pool.map((x: number) => [x], [1]).toArray());
    // @ts-expect-error The items are strings.
    pool.map(repeat, [1]);
  });
});

Deno.test("Pool.run() takes async iterables for parameters that are streams", () => {
  compile(() => {
    const total = async (xs: ReadableStream<number>, from: number) => {
      for await (const x of xs) from += x;
      return from;
    };
    const numbers = async function* () {
      yield await Promise.resolve(1);
    };
    isSame<number>()(pool.run(total, new ReadableStream<number>(), 1));
    isSame<number>()(pool.run(total, numbers(), 1));
    isSame<number>()(pool.submit(total, numbers(), 1));
    isSame<number>()(pool.run(total, pool.map((x: number) => x, [1]), 1));
    isSame<ReadableStream<string>>()(
      pool.stream(async function* (xs: ReadableStream<number>) {
        for await (const x of xs) yield `${x}`;
      }, numbers()),
    );
    // @ts-expect-error The stream is one of numbers.
    pool.run(total, new ReadableStream<string>(), 1);
    // @ts-expect-error An array isn't an async iterable.
    pool.run(total, [1], 1);
  });
});

Deno.test("TaskPort types the messages of a task", () => {
  compile(() => {
    const port = taskPort<"stop", { step: number }>();
    port.postMessage({ step: 1 });
    // @ts-expect-error The message has the wrong type.
    port.postMessage("step");
    isSame<IteratorResult<"stop", undefined>>()(port.next());
    pool.with({ onMessage: (done: number) => done });
    pool.with({
      onMessage: async (message, port) => await port.postMessage(message),
    });
    const future = pool.submit((x: number) => x, 1);
    isSame<number>()(future.onMessage((message) => message));
    isSame<void>()(future.postMessage("any"));
    // @ts-expect-error A listener is a function.
    pool.with({ onMessage: "listener" });
  });
});
