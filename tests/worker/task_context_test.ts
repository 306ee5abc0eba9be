import {
  assert,
  assertEquals,
  assertFalse,
  assertNotStrictEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { taskSignal } from "../../src/tasks/task_signal.ts";
import {
  type Ports,
  runTask,
  runTaskWith,
  TaskContext,
} from "../../src/worker/task_context.ts";

const NO_PORTS: Ports = {
  port() {
    throw new Error("These tasks use no port");
  },
  resources: () => ({}),
};

Deno.test("TaskContext.abort() aborts the signal before or after its first use", () => {
  const asked = new TaskContext(0, NO_PORTS);
  const { signal } = asked;
  assertStrictEquals(asked.signal, signal);
  assertFalse(signal.aborted);
  TaskContext.abort(asked);
  const { reason } = signal;
  assert(signal.aborted && reason instanceof DOMException);
  assertEquals(reason.name, "AbortError");
  TaskContext.abort(asked);
  assertStrictEquals(signal.reason, reason);
  const late = new TaskContext(0, NO_PORTS);
  TaskContext.abort(late);
  assert(late.signal.aborted);
});

Deno.test("runTask() passes the context and the arguments", () => {
  const context = new TaskContext(0, NO_PORTS);
  const task = function (this: unknown, ...args: unknown[]) {
    return [this, ...args];
  };
  const [self, ...args] = runTask(task, context, [1, 2]) as unknown[];
  assertStrictEquals(self, context);
  assertEquals(args, [1, 2]);
});

Deno.test("runTask() ignores a function's own apply()", () => {
  const task = Object.assign(() => "right", { apply: () => "wrong" });
  assertEquals(runTask(task, new TaskContext(0, NO_PORTS), []), "right");
});

Deno.test("runTaskWith() passes the context and one argument", () => {
  const context = new TaskContext(0, NO_PORTS);
  const kept: unknown[][] = [];
  const task = function (this: unknown, ...args: unknown[]) {
    kept.push(args);
    return this;
  };
  assertStrictEquals(runTaskWith(task, context, [1, 2]), context);
  assertStrictEquals(runTaskWith(task, context, undefined), context);
  assertEquals(kept, [[[1, 2]], [undefined]]);
});

Deno.test("TaskContext.take() gives a released context to another task if no task saw it", () => {
  const first = TaskContext.take(true, 1, NO_PORTS);
  TaskContext.release(first, true);
  const visible = TaskContext.take(false, 2, NO_PORTS);
  assertNotStrictEquals(visible, first);
  TaskContext.release(visible, false);
  assertStrictEquals(TaskContext.take(true, 3, NO_PORTS), first);
  assertNotStrictEquals(TaskContext.take(true, 4, NO_PORTS), first);
});

Deno.test("TaskContext.take() gives a context whose signal was used to no other task", () => {
  const asked = TaskContext.take(true, 1, NO_PORTS);
  const signal = runTask(() => taskSignal(), asked, []);
  TaskContext.release(asked, true);
  const aborted = TaskContext.take(true, 2, NO_PORTS);
  assertNotStrictEquals(aborted, asked);
  assertNotStrictEquals(aborted.signal, signal);
  TaskContext.abort(aborted);
  TaskContext.release(aborted, true);
  assertFalse(TaskContext.take(true, 3, NO_PORTS).signal.aborted);
});

Deno.test("TaskContext.take() gives the port of the new call", () => {
  const asked: number[] = [];
  const ports: Ports = {
    resources: () => ({}),
    port(id) {
      asked.push(id);
      return undefined as never;
    },
  };
  const first = TaskContext.take(true, 1, ports);
  TaskContext.release(first, true);
  const second = TaskContext.take(true, 2, ports);
  assertStrictEquals(second, first);
  second.port;
  assertEquals(asked, [2]);
});

Deno.test("taskSignal() returns the signal of the running task", () => {
  const context = new TaskContext(0, NO_PORTS);
  const signal = runTask(() => taskSignal(), context, []);
  assertStrictEquals(signal, context.signal);
});

Deno.test("taskSignal() throws outside of a task, and in one that has awaited", async () => {
  assertThrows(() => taskSignal(), Error, "No task is running");
  const late = async () => {
    await undefined;
    return taskSignal();
  };
  const outcome = runTask(late, new TaskContext(0, NO_PORTS), []) as Promise<
    unknown
  >;
  const error = await outcome.catch((error) => error);
  assert(error instanceof Error);
  const failing = () => {
    throw new Error("on purpose");
  };
  assertThrows(
    () => runTask(failing, new TaskContext(0, NO_PORTS), []),
    Error,
    "purpose",
  );
  assertThrows(() => taskSignal(), Error, "No task is running");
});
