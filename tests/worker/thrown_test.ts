import {
  assert,
  assertEquals,
  assertFalse,
  assertMatch,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { pathToFileURL } from "node:url";
import { Pool } from "../../mod.ts";
import { SentModules } from "../../src/worker/sent_modules.ts";
import { LoadedTask } from "../../src/worker/task_table.ts";
import { prepareThrown } from "../../src/worker/thrown.ts";

const EXECUTOR = import.meta.resolve("../../src/worker/executor.ts");

const MODULES = new SentModules();

const INLINE = new LoadedTask(
  { kind: "inline", source: "() => {}", name: "task" },
  undefined,
  MODULES,
);
const MODULE = new LoadedTask(
  { kind: "module", url: "file:///tasks.ts", name: "task" },
  undefined,
  MODULES,
);

function boundOf(base: LoadedTask): LoadedTask {
  return new LoadedTask(
    { kind: "bound", task: 0, constants: [] },
    base,
    MODULES,
  );
}

/** Makes the error of an inline task that uses an unknown variable. */
function unknownVariable(name: string): ReferenceError {
  const error = new ReferenceError(`${name} is not defined`);
  error.stack = `${error}\n    at task (task:task:1:1)`;
  return error;
}

Deno.test("prepareThrown() explains which variable an inline task can't see", () => {
  for (const task of [INLINE, boundOf(INLINE), boundOf(boundOf(INLINE))]) {
    const error = unknownVariable("rate");
    assertStrictEquals(prepareThrown(error, task), error);
    assert(error.message.startsWith("rate is not defined: an inline task"));
    assert(error.message.includes("pass 'rate' as an argument"));
    assertEquals(
      error.stack,
      `ReferenceError: ${error.message}\n    at task (task:task:1:1)`,
    );
  }
});

Deno.test("prepareThrown() explains an error only once if it is thrown again", () => {
  const error = unknownVariable("rate");
  prepareThrown(error, INLINE);
  const { message, stack } = error;
  prepareThrown(error, INLINE);
  assertEquals([error.message, error.stack], [message, stack]);
});

Deno.test("prepareThrown() doesn't explain other errors", () => {
  const cases: [Error, LoadedTask][] = [
    [unknownVariable("rate"), MODULE],
    [unknownVariable("rate"), boundOf(MODULE)],
    // This global exists: the task itself made the error.
    [unknownVariable("Deno"), INLINE],
    [new TypeError("rate is not defined"), INLINE],
    [new ReferenceError("Cannot access 'x' before initialization"), INLINE],
    [new ReferenceError(" is not defined"), INLINE],
    [new ReferenceError("rate is not defined."), INLINE],
  ];
  for (const [error, task] of cases) {
    const { message, stack } = error;
    prepareThrown(error, task);
    assertEquals([error.message, error.stack], [message, stack]);
  }
});

Deno.test("prepareThrown() cuts off the worker's own frames", () => {
  for (const task of [INLINE, MODULE]) {
    const error = new Error("oops");
    const own = "Error: oops\n    at f (task:f:1:1)\n    at g (task:f:2:1)";
    error.stack = [
      own,
      `    at Executor.#begin (${EXECUTOR}:170:41)`,
      "    at processTicksAndRejections (ext:core/01_core.js:1:1)",
    ].join("\n");
    prepareThrown(error, task);
    assertEquals(error.stack, own);
  }
});

Deno.test("prepareThrown() cuts off its own frames in a folder of any name", async () => {
  const folder = await Deno.makeTempDir({ prefix: "odd (dir) ü%20 " });
  try {
    for (const name of ["thrown.ts", "evaluate_task.ts"]) {
      const source = new URL(`../../src/worker/${name}`, import.meta.url);
      await Deno.copyFile(source, `${folder}/${name}`);
    }
    await Deno.writeTextFile(
      `${folder}/executor.ts`,
      "export const run = (task) => task();",
    );
    const url = pathToFileURL(folder);
    const { prepareThrown } = await import(`${url}/thrown.ts`);
    const { run } = await import(`${url}/executor.ts`);
    const error = run(function task() {
      return new Error("oops");
    });
    assertMatch(error.stack, /executor/);
    prepareThrown(error, MODULE);
    assertMatch(error.stack, /^Error: oops\n {4}at task \(.*\)$/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("prepareThrown() counts lines and columns from an inline task's source", async () => {
  await using pool = new Pool(1);
  const inFirst = new Function(
    "return () => Promise.reject(new Error('first'))",
  )() as () => void;
  const inThird = new Function(`
    const message = "third";
    throw new Error(message);
  `) as () => void;
  for (const [task, line] of [[inFirst, 1], [inThird, 5]] as const) {
    const column = String(task).split("\n")[line - 1]!.indexOf("new Error") + 1;
    const error = await assertRejects(
      () => pool.run(task as () => void),
      Error,
    );
    const [, frame] = error.stack!.split("\n");
    assertMatch(
      frame!,
      new RegExp(`^    at .*\\(task:.*:${line}:${column}\\)$`),
    );
  }
});

Deno.test("prepareThrown() keeps the lines of code that a task evaluates", () => {
  const error = new Error("oops");
  error.stack = [
    "Error: oops",
    "    at eval (eval at f (task:f, <anonymous>:3:10), <anonymous>:1:7)",
    "    at f (task:f, <anonymous>:3:10)",
  ].join("\n");
  prepareThrown(error, INLINE);
  assertEquals(error.stack.split("\n").slice(1), [
    "    at eval (eval at f (task:f, <anonymous>:3:10), <anonymous>:1:7)",
    "    at f (task:f:1:2)",
  ]);
});

Deno.test("prepareThrown() explains a relative import of an inline task", async () => {
  await using pool = new Pool(1);
  const load = (path: string) => import(path);
  const error = await assertRejects(
    () => pool.run(load, "./no_such.ts"),
    TypeError,
  );
  assertMatch(error.message, /no_such\.ts[^]*pass what import\.meta\.resolve/);
});

Deno.test("prepareThrown() takes linear time for long lines", () => {
  // In quadratic time, the shortest of these lines would take minutes.
  for (const text of ["x", "a:1", " ", "(", "file:", "    at "]) {
    const message = text.repeat(1_000_000);
    const error = new Error(message);
    error.stack = `Error: ${message}\n    at f (${EXECUTOR}:1:1)`;
    prepareThrown(error, INLINE);
    assertEquals(error.stack.length, "Error: ".length + message.length);
  }
});

Deno.test("prepareThrown() keeps a stack without frames of the worker", () => {
  const error = new Error("oops");
  error.stack = "Error: oops\n    at async f (file:///tasks.ts:1:1)";
  prepareThrown(error, MODULE);
  assertEquals(
    error.stack,
    "Error: oops\n    at async f (file:///tasks.ts:1:1)",
  );
});

Deno.test("prepareThrown() keeps a stack that isn't a string", () => {
  const error = new Error("oops");
  Object.defineProperty(error, "stack", { value: 1, writable: true });
  prepareThrown(error, INLINE);
  assertEquals(error.stack, 1 as unknown as string);
});

Deno.test("prepareThrown() returns frozen errors unchanged", () => {
  for (const make of [() => unknownVariable("rate"), () => new Error("oops")]) {
    const error = Object.freeze(make());
    const { message, stack } = error;
    assertStrictEquals(prepareThrown(error, INLINE), error);
    assertEquals([error.message, error.stack], [message, stack]);
  }
});

Deno.test("prepareThrown() returns errors whose getters throw", () => {
  class Hostile extends Error {
    override get message(): string {
      throw new Error("no");
    }
  }
  const error = new Hostile();
  assertStrictEquals(prepareThrown(error, INLINE), error);
});

Deno.test("prepareThrown() returns values that aren't errors unchanged", () => {
  const lookalike = { name: "ReferenceError", message: "x is not defined" };
  for (const thrown of [undefined, null, "x is not defined", 1, lookalike]) {
    assertStrictEquals(prepareThrown(thrown, INLINE), thrown);
  }
  assertEquals(lookalike.message, "x is not defined");
});

Deno.test(
  "prepareThrown() names variables with a '$'",
  () => {
    for (const name of ["$", "$$", "a$", "$1"]) {
      const error = unknownVariable(name);
      prepareThrown(error, INLINE);
      assertFalse(error.message.endsWith("is not defined"));
      assertEquals(
        error.stack,
        `ReferenceError: ${error.message}\n    at task (task:task:1:1)`,
      );
    }
  },
);
