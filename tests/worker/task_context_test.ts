import {
  assert,
  assertEquals,
  assertFalse,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { taskSignal } from "../../src/tasks/task_signal.ts";
import {
  type Ports,
  runTask,
  TaskContext,
} from "../../src/worker/task_context.ts";

const NO_PORTS: Ports = {
  port() {
    throw new Error("These tasks use no port");
  },
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
