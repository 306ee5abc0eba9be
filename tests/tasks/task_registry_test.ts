import {
  assert,
  assertEquals,
  assertNotEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { bind } from "../../src/tasks/bind.ts";
import { importTasks } from "../../src/tasks/import_tasks.ts";
import type { AnyTask } from "../../src/tasks/task.ts";
import {
  type RegisteredTask,
  TaskRegistry,
} from "../../src/tasks/task_registry.ts";
import { collectUntil } from "../helpers/collect_until.ts";

const URL = "file:///tasks.ts";

interface Module {
  one(): void;
  two(): void;
}

function makeRegistry(): TaskRegistry {
  return new TaskRegistry(() => {});
}

Deno.test("TaskRegistry.register() returns one task for functions with the same source", () => {
  const registry = makeRegistry();
  const make = () => (x: number) => x + 1;
  const first = registry.register(make());
  assertStrictEquals(registry.register(make()), first);
  assertNotEquals(registry.register((x: number) => x + 2).id, first.id);
});

Deno.test("TaskRegistry.register() defines a function by its source and name", () => {
  const { name, definition, base } = makeRegistry().register(
    function double(x: number) {
      return x * 2;
    },
  );
  assertEquals(name, "double");
  assert(definition.kind === "inline");
  assertEquals(definition.name, "double");
  assertEquals(new Function(`return (${definition.source})(21)`)(), 42);
  assertEquals(base, undefined);
});

Deno.test("TaskRegistry.register() returns one task for an export that is imported twice", () => {
  const registry = makeRegistry();
  const first = registry.register(importTasks<Module>(URL).one);
  const second = registry.register(importTasks<Module>(URL).one);
  assertStrictEquals(second, first);
  const { one } = importTasks<Module>("file:///other.ts");
  const ids = [
    first,
    registry.register(importTasks<Module>(URL).two),
    registry.register(one),
  ].map(({ id }) => id);
  assertEquals(new Set(ids).size, 3);
});

Deno.test("TaskRegistry.register() defines an export by its module and name", () => {
  const { name, definition } = makeRegistry().register(
    importTasks<Module>(URL).one,
  );
  assertEquals(name, "tasks.ts:one");
  assertEquals(definition, { kind: "module", url: URL, name: "one" });
});

Deno.test("TaskRegistry.register() registers the base of a bound task first", () => {
  const registry = makeRegistry();
  const add = (...terms: number[]) => terms.length;
  const base = registry.register(add);
  const inner = registry.register(bind(add, 1));
  assertStrictEquals(inner.base, base);
  assertEquals(inner.definition, {
    kind: "bound",
    task: base.id,
    constants: [1],
  });
  assertEquals(inner.name, "add");
});

Deno.test("TaskRegistry.register() defines each layer of a task bound several times", () => {
  const registry = makeRegistry();
  const outer = registry.register(bind(bind((...x: number[]) => x, 1), 2, 3));
  const layers: RegisteredTask[] = [];
  for (
    let task: RegisteredTask | undefined = outer;
    task !== undefined;
    task = task.base
  ) layers.push(task);
  assertEquals(layers.map(({ definition }) => definition.kind), [
    "bound",
    "bound",
    "inline",
  ]);
  assertEquals(new Set(layers.map(({ id }) => id)).size, 3);
});

Deno.test("TaskRegistry.register() recognizes the same bound task, but not an equal one", () => {
  const registry = makeRegistry();
  const task = (x: number) => x;
  const bound = bind(task, 1);
  const first = registry.register(bound);
  assertStrictEquals(registry.register(bound), first);
  assertNotEquals(registry.register(bind(task, 1)).id, first.id);
});

Deno.test("TaskRegistry.register() refuses a value that isn't a task, every time", () => {
  const registry = makeRegistry();
  for (const wrong of [undefined, null, "tasks.ts", {}, 1]) {
    const task = wrong as unknown as AnyTask;
    assertThrows(() => registry.register(task), TypeError, "'task'");
  }
  for (let times = 0; times < 2; times++) {
    assertThrows(() => registry.register(Math.sqrt), TypeError, "native");
    assertThrows(
      () => registry.register(bind(Math.pow, 1)),
      TypeError,
      "native",
    );
  }
});

Deno.test("TaskRegistry counts ids separately from other registries", () => {
  const task = () => 1;
  const other = makeRegistry();
  other.register(() => 2);
  other.register(task);
  assertEquals(makeRegistry().register(task).id, 0);
});

Deno.test("TaskRegistry remembers a thousand functions and drops the oldest", () => {
  const forgotten: number[] = [];
  const registry = new TaskRegistry((id) => forgotten.push(id));
  const make = (n: number) => new Function("return " + n) as () => number;
  const oldest = registry.register(make(0));
  for (let n = 1; n < 1_000; n++) registry.register(make(n));
  assertStrictEquals(registry.register(make(0)), oldest);
  assertEquals(forgotten, []);
  registry.register(make(1_000));
  assertEquals(forgotten, [oldest.id]);
  assertNotEquals(registry.register(make(0)).id, oldest.id);
});

Deno.test("TaskRegistry drops an old function again once nothing can call it", async () => {
  const dropped: number[] = [];
  const registry = new TaskRegistry((id) => dropped.push(id));
  const make = (n: number) => new Function("return " + n) as () => number;
  const kept = new Map<string, AnyTask>();
  // Separate functions leave no references in the registers of a frame.
  const register = (name: string) => registry.register(kept.get(name)!).id;
  const add = (name: string, task: AnyTask) => {
    kept.set(name, task);
    return register(name);
  };
  const ids = [add("plain", make(0)), add("base", make(1))];
  const bound = () => bind(kept.get("base") as () => number);
  const boundId = add("bound", bound() as unknown as AnyTask);
  for (let n = 2; n < 1_002; n++) registry.register(make(n));
  assertEquals(dropped.splice(0), ids);
  assertEquals(register("plain"), ids[0]);
  kept.delete("plain");
  kept.delete("base");
  await collectUntil(() => dropped.length > 0);
  assertEquals(dropped.splice(0), [ids[0]]);
  assertEquals(register("bound"), boundId);
  kept.clear();
  await collectUntil(() => dropped.length > 1);
  assertEquals(new Set(dropped), new Set([ids[1], boundId]));
});

Deno.test("TaskRegistry reports a bound task as dropped once nothing uses it", async () => {
  const dropped: number[] = [];
  const registry = new TaskRegistry((id) => dropped.push(id));
  const task = (x: number) => x;
  const kept = bind(task, 1);
  const keptId = registry.register(kept).id;
  // Separate functions leave no references in the registers of a frame.
  const register = () => registry.register(bind(task, 2));
  const used = new Map([["call", register()]]);
  const unusedId = ((): number => register().id)();
  await collectUntil(() => dropped.length > 0);
  assertEquals(dropped, [unusedId]);
  const usedId = ((): number => used.get("call")!.id)();
  used.clear();
  await collectUntil(() => dropped.length > 1);
  assertEquals(dropped, [unusedId, usedId]);
  assertEquals(registry.register(kept).id, keptId);
});
