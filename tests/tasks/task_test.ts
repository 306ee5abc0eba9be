import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { functionSource } from "../../src/tasks/function_source.ts";
import { bind, importTasks, Pool, type Task } from "../../mod.ts";

/** Whether two types are identical. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends
  (<T>() => T extends B ? 1 : 2) ? true : never;

const literal = {
  method(x: number) {
    return x + 1;
  },
  async asyncMethod(x: number) {
    return await Promise.resolve(x + 2);
  },
  "quoted name"(x: number) {
    return x + 3;
  },
  get(x: number) {
    return x + 4;
  },
  async(x: number) {
    return x + 5;
  },
  withInner(x: number) {
    class Counter {
      #count = x;
      next() {
        return this.#count + 6;
      }
    }
    return new Counter().next();
  },
};

const moduleNeeds = {
  method() {
    return import.meta.filename;
  },
};

/** A decorator that does nothing. */
function keep<T>(value: T): T {
  return value;
}

function declaration(x: number): number {
  return x + 7;
}

Deno.test("Pool runs every form of function with a source", async () => {
  const forms: [(x: number) => number | Promise<number>, number][] = [
    [literal.method, 1],
    [literal.asyncMethod, 2],
    [literal["quoted name"], 3],
    [literal.get, 4],
    [literal.async, 5],
    [literal.withInner, 6],
    [declaration, 7],
    [(x) => x + 8, 8],
    [async (x) => await Promise.resolve(x + 9), 9],
    [function (x) {
      return x + 10;
    }, 10],
    [function named(x): number {
      return x > 0 ? named(x - 1) + 1 : 11;
    }, 11],
    [async function (x) {
      return await Promise.resolve(x + 12);
    }, 12],
    [(x) => ({ sum: x + 13 }).sum, 13],
    [
      async (x) => (await import("node:path")).join("a", "b").length + x + 11,
      14,
    ],
    [(x) => x + 15, /* ends in a comment */ 15],
    [
      (x) =>
        `import.meta`.length + { import: (_: string) => x + 4 }.import("./"),
      15,
    ],
    // deno-fmt-ignore
    [(x) => x + 16 // ends in a line comment
      , 16],
  ];
  await using pool = new Pool(1);
  for (const [form, expected] of forms) {
    assertEquals(await pool.run(form, 0), expected, String(form));
  }
});

Deno.test("Pool refuses functions that can't be sent, and says what to do", async () => {
  class Scaler {
    #offset = 1;
    factor = 2;
    scale(x: number) {
      return x * this.factor;
    }
    shift(x: number) {
      return x + this.#offset;
    }
    get accessor() {
      return 1;
    }
    static make() {
      return new this();
    }
  }
  class Doubler extends Scaler {
    override scale(x: number) {
      return super.scale(x) * 2;
    }
  }
  const name = "computed";
  const computed = {
    [name + 1]: (x: number) => x,
    [name](x: number) {
      return x;
    },
  };
  const accessor = Object.getOwnPropertyDescriptor(
    Scaler.prototype,
    "accessor",
  )!.get!;
  const scaler = new Scaler();
  const cases: [(x: number) => unknown, string, string][] = [
    [Math.sqrt, "native function", "arrow function"],
    [
      ((a: number, b: number) => a + b).bind(null, 1),
      "bound function",
      "bind()",
    ],
    [scaler.scale, "'this'", "importTasks()"],
    [scaler.shift, "'this'", "importTasks()"],
    [new Doubler().scale, "'super'", "importTasks()"],
    [Scaler.make, "'this'", "importTasks()"],
    [Scaler as unknown as (x: number) => unknown, "a class", "importTasks()"],
    [accessor, "accessor", "importTasks()"],
    [computed[name]!, "computed name", "importTasks()"],
    [() => import.meta.url, "import.meta", "as an argument"],
    [() => [() => import.meta/* it */ .url], "import.meta", "importTasks()"],
    [moduleNeeds.method, "import.meta", "importTasks()"],
    [() => import("../../mod.ts"), '"../../mod.ts"', "import.meta.resolve()"],
    [
      (x) => import(`./task_${x}.ts`),
      "relative import(`./task_${)",
      "importTasks()",
    ],
    [
      () => {
        @keep
        class Decorated {}
        return Decorated;
      },
      "decorators",
      "importTasks()",
    ],
    [new Function("x", "return _jsx('p', { x })") as () => 1, "JSX", "module"],
  ];
  await using pool = new Pool({ workers: 1, lazy: true });
  for (const [task, why, wayOut] of cases) {
    const error = assertThrows(() => void pool.run(task, 1), TypeError);
    assertStringIncludes(error.message, why);
    assertStringIncludes(error.message, wayOut);
    assertThrows(() => void pool.submit(task, 1), TypeError, why);
    assertThrows(() => void pool.map(task, [1]), TypeError, why);
    assertThrows(() => void pool.runOnAll(task, 1), TypeError, why);
  }
});

Deno.test("functionSource() takes linear time for long sources", () => {
  // In quadratic time, each of these would take minutes.
  const fillers = [
    "{",
    "(",
    "{ ",
    "{ [native code] }",
    " ",
    "\n",
    "import(",
    "_jsx",
  ];
  for (const filler of fillers) {
    const text = filler.repeat(1_000_000 / filler.length);
    for (const body of [`// ${text.replaceAll("\n", "")}\n`, `\`${text}\``]) {
      const task = new Function(body) as () => void;
      assertStringIncludes(functionSource(task).source, body);
    }
  }
});

Deno.test("Pool refuses values that aren't tasks", async () => {
  await using pool = new Pool({ workers: 1, lazy: true });
  const wrong = "tasks.ts" as unknown as () => void;
  assertThrows(() => void pool.run(wrong), TypeError, "'task'");
  const missing = undefined as unknown as () => void;
  assertThrows(() => void pool.map(missing), TypeError, "iterable");
});

Deno.test("Pool sends functions with the same source once", async () => {
  await using pool = new Pool(1);
  const makeCounter = () =>
    // A property of the function would be lost if it were sent again.
    function counter(): number {
      const own = counter as typeof counter & { calls?: number };
      return own.calls = (own.calls ?? 0) + 1;
    };
  assertEquals(await pool.run(makeCounter()), 1);
  assertEquals(await pool.run(makeCounter()), 2);
});

Deno.test("bind() sends constants once, and a worker's calls share them", async () => {
  await using pool = new Pool(1);
  const count = bind(
    (seen: { calls: number }, _x: number) => ++seen.calls,
    { calls: 0 },
  );
  assertEquals(await pool.map(count, [1, 1, 1]).toArray(), [1, 2, 3]);
});

Deno.test("bind() names constants that can't be sent", async () => {
  await using pool = new Pool(1);
  const task = bind((f: () => number, x: number) => f() + x, () => 1);
  const reason = await pool.run(task, 1).catch((error) => error);
  assertMatch(reason.message, /^constants\[0\] is a function/);
  assertEquals(await pool.run((x: number) => x, 1), 1);
});

Deno.test("importTasks() refuses a path", () => {
  const error = assertThrows(
    () => importTasks("../helpers/tasks.ts"),
    TypeError,
  );
  assertStringIncludes(
    error.message,
    `import.meta.resolve("../helpers/tasks.ts")`,
  );
});

Deno.test("importTasks() returns the same task for the same name", () => {
  const tasks = importTasks<typeof import("../helpers/tasks.ts")>(
    import.meta.resolve("../helpers/tasks.ts"),
  );
  assert(tasks.greet === tasks.greet);
  assertEquals(tasks.greet.name, "tasks.ts:greet");
});

Deno.test("importTasks() returns an object that `await` doesn't treat as a promise", async () => {
  const tasks = await importTasks<typeof import("../helpers/tasks.ts")>(
    new URL("../helpers/tasks.ts", import.meta.url),
  );
  assertEquals(tasks.join.name, "tasks.ts:join");
});

Deno.test("importTasks() keeps the types of arguments and results", async () => {
  const tasks = importTasks<typeof import("../helpers/tasks.ts")>(
    import.meta.resolve("../helpers/tasks.ts"),
  );
  const same: Same<typeof tasks.greet, Task<[name: string], string>> = true;
  const awaited: Same<typeof tasks.later, Task<[x: number], number>> = true;
  const names: Same<
    keyof typeof tasks,
    "default" | "greet" | "join" | "later" | "failRichly"
  > = true;
  assert(same && awaited && names);
  await using pool = new Pool(1);
  const text: string = await pool.run(tasks.greet, "Ada");
  const texts: string[] = await pool.map(tasks.greet, ["Ada"]).toArray();
  assertEquals([text], texts);
  const bound: Task<[x: number], number> = bind(
    (a: string, x: number) => a.length + x,
    "abc",
  );
  assertEquals(await pool.run(bound, 1), 4);
  // @ts-expect-error The argument is a number.
  await pool.run(tasks.later, "1").catch(() => {});
  // @ts-expect-error The argument is missing.
  await pool.run(tasks.greet);
  // @ts-expect-error An item is a string.
  await pool.map(tasks.greet, [1]).toArray();
  // @ts-expect-error an item is an array of one argument.
  await pool.map(tasks.greet, [["a", "b"]], { spread: true }).toArray();
});

Deno.test("Pool infers a task's parameters from its arguments", async () => {
  await using pool = new Pool(1);
  const sum: number = await pool.run((x) => x + 1, 3);
  const doubled: number[] = await pool.map((x) => x * 2, [1, 2]).toArray();
  const joined: string[] = await pool.map((x, y) => x + y, ["a"], ["b"])
    .toArray();
  const optional: number[] = await pool.map(
    async (x: number, y?: number) => await Promise.resolve(x + (y ?? 0)),
    [1],
    { chunkSize: 2 },
  ).toArray();
  const counted: number[] = await pool.map(
    (...xs: number[]) => xs.length,
    [1],
    [2],
    [3],
  ).toArray();
  assertEquals(
    [sum, doubled, joined, optional, counted],
    [4, [2, 4], ["ab"], [1], [3]],
  );
});
