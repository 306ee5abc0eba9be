import {
  assert,
  assertEquals,
  assertFalse,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { type LoadedTask, TaskTable } from "../../src/worker/task_table.ts";
import type { Definition } from "../../src/protocol/worker_messages.ts";

const MODULE = import.meta.resolve("../helpers/tasks.ts");

/** Makes a table in which each definition's id is its index. */
function tableOf(...definitions: Definition[]): TaskTable {
  const table = new TaskTable();
  definitions.forEach((definition, id) => table.define(id, definition));
  return table;
}

function inline(source: string, name = "task"): Definition {
  return { kind: "inline", source, name };
}

function moduleExport(name: string, url = MODULE): Definition {
  return { kind: "module", url, name };
}

function bound(task: number, ...constants: unknown[]): Definition {
  return { kind: "bound", task, constants };
}

/** Loads the last definition, whose bases are the others. */
async function load(...definitions: Definition[]): Promise<LoadedTask> {
  const task = tableOf(...definitions).get(definitions.length - 1);
  await task.load();
  return task;
}

/** Checks that a task throws the same error at each call, and returns it. */
function assertFails(task: LoadedTask): unknown {
  const outcomes = [1, 2].map((x) => {
    try {
      return { value: task.run!(x) };
    } catch (thrown) {
      return { thrown };
    }
  });
  assert("thrown" in outcomes[0]! && "thrown" in outcomes[1]!);
  assertStrictEquals(outcomes[0].thrown, outcomes[1].thrown);
  return outcomes[0].thrown;
}

Deno.test("LoadedTask that is inline loads on demand, at once unless it is the first", async () => {
  await load(inline("() => {}"));
  const task = tableOf(inline("(a, b) => a + b")).get(0);
  assertEquals(task.run, undefined);
  assertEquals(task.load(), undefined);
  assertEquals(task.run!(1, 2), 3);
  assert(task.inline);
});

Deno.test("LoadedTask that is inline sees globals but not the worker's variables", async () => {
  const task = await load(inline("(name) => eval('typeof ' + name)"));
  assertEquals(task.run!("Deno"), "object");
  for (const name of ["definition", "source", "evaluate", "TaskTable"]) {
    assertEquals(task.run!(name), "undefined", name);
  }
});

Deno.test("LoadedTask that is inline may end in a comment", async () => {
  const task = await load(inline("(x) => x // the same"));
  assertEquals(task.run!(1), 1);
});

Deno.test("LoadedTask that is inline has its name in stack traces", async () => {
  const source = "() => { throw new Error('oops'); }";
  const task = await load(inline(source, "my task"));
  const { stack } = assertThrows(() => task.run!(), Error);
  assert(stack!.includes("task:my%20task"), stack);
});

Deno.test("LoadedTask.load() loads an export of a module", async () => {
  const task = tableOf(moduleExport("greet")).get(0);
  const loading = task.load();
  assert(loading instanceof Promise);
  assertEquals(task.run, undefined);
  await loading;
  assertEquals(task.run!("Ada"), "Hello, Ada");
  assertFalse(task.inline);
});

Deno.test("LoadedTask.load() loads the default export of a module", async () => {
  const task = await load(moduleExport("default"));
  assertEquals(task.run!(), "the default export");
});

Deno.test("LoadedTask that is bound passes the constants first", async () => {
  const task = await load(inline("(...args) => args"), bound(0, 1, [2]));
  assertEquals(task.run!(3, 4), [1, [2], 3, 4]);
  assertEquals(task.run!(), [1, [2]]);
  assert(task.inline);
});

Deno.test("LoadedTask that is bound passes the same constants in all calls", async () => {
  const seen = { calls: 0 };
  const task = await load(inline("(seen) => ++seen.calls"), bound(0, seen));
  assertEquals([task.run!(), task.run!()], [1, 2]);
});

Deno.test("LoadedTask that is bound loads the module of its base", async () => {
  const task = await load(moduleExport("join"), bound(0, "a"), bound(1, "b"));
  assertEquals(task.run!("c"), "a b c");
  assertFalse(task.inline);
});

Deno.test("LoadedTask that is bound loads at once if its base does", async () => {
  const table = tableOf(moduleExport("join"), bound(0, "a"));
  await table.get(0).load();
  assertEquals(table.get(1).load(), undefined);
  assertEquals(table.get(1).run!("b"), "a b");
});

Deno.test("LoadedTask.load() of a bound task waits for its base", async () => {
  const table = tableOf(moduleExport("join"), bound(0, "a"));
  await Promise.all([table.get(0).load(), table.get(1).load()]);
  assertEquals(table.get(0).run!("b"), "b");
  assertEquals(table.get(1).run!("b"), "a b");
});

Deno.test("LoadedTask of invalid source throws at each call", async () => {
  const thrown = assertFails(await load(inline("(x) => x +")));
  assert(thrown instanceof SyntaxError);
});

Deno.test("LoadedTask of a missing module throws at each call", async () => {
  const url = import.meta.resolve("./no_such_module.ts");
  const thrown = assertFails(await load(moduleExport("f", url)));
  assert(thrown instanceof TypeError);
  assert(thrown.message.includes("no_such_module.ts"), thrown.message);
});

Deno.test("LoadedTask of a module that throws throws the same at each call", async () => {
  const url = "data:text/javascript,throw new RangeError('at the start')";
  const thrown = assertFails(await load(moduleExport("f", url)));
  assert(thrown instanceof RangeError);
  assertEquals(thrown.message, "at the start");
});

Deno.test("LoadedTask of an export that isn't a function names those that are", async () => {
  for (const name of ["notAFunction", "noSuchExport"]) {
    const thrown = assertFails(await load(moduleExport(name)));
    assert(thrown instanceof TypeError);
    assert(thrown.message.includes(`exports no function '${name}'`));
    assert(thrown.message.includes("greet"), thrown.message);
    assertFalse(/functions.*notAFunction/.test(thrown.message));
  }
});

Deno.test("LoadedTask of a module without functions throws an error that says so", async () => {
  const url = "data:text/javascript,export const x = 1";
  const thrown = assertFails(await load(moduleExport("f", url)));
  assert(thrown instanceof TypeError);
  assert(thrown.message.includes("exports no functions"), thrown.message);
});

for (
  const [kind, definition] of [
    ["inline", inline("(x) =>")],
    ["module", moduleExport("noSuchExport")],
  ] as const
) {
  Deno.test(`LoadedTask bound to ${kind} that can't be loaded throws at each call`, async () => {
    const table = tableOf(definition, bound(0, 1), bound(1, 2));
    await table.get(2).load();
    const thrown = assertFails(table.get(2));
    assert(thrown instanceof Error);
    assertStrictEquals(assertFails(table.get(0)), thrown);
  });
}

Deno.test("TaskTable.get() throws if the id wasn't defined", () => {
  const table = tableOf(inline("() => 1"));
  assertThrows(() => table.get(1), RangeError, "no task 1");
  assertThrows(() => table.define(2, bound(1)), RangeError, "no task 1");
  assertThrows(() => table.get(2), RangeError, "no task 2");
});

Deno.test("TaskTable.forget() forgets a task, but not the tasks bound to it", async () => {
  const table = tableOf(inline("(...args) => args"), bound(0, 1), bound(1, 2));
  const before = table.get(0);
  table.forget(1);
  table.forget(1);
  assertThrows(() => table.get(1), RangeError, "no task 1");
  assertStrictEquals(table.get(0), before);
  await table.get(2).load();
  assertEquals(table.get(2).run!(3), [1, 2, 3]);
});

Deno.test("TaskTable.define() defines a forgotten id again", async () => {
  const table = tableOf(inline("() => 'old'"));
  await table.get(0).load();
  table.forget(0);
  table.define(0, inline("() => 'new'"));
  await table.get(0).load();
  assertEquals(table.get(0).run!(), "new");
});
