import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
} from "@std/assert";
import {
  CallerTrace,
  CallerTracer,
  rejectWithAwaiters,
} from "../../src/calls/caller_trace.ts";

/** Stands for a pool's method, which shouldn't appear in a user's stack. */
function method(): CallerTrace {
  return new CallerTrace(method);
}

function userProgram(): CallerTrace {
  return method();
}

/** Returns an error like those that arrive from a worker. */
function remoteError(): TypeError {
  const error = new TypeError("oops");
  error.stack = "TypeError: oops\n    at task (task:task:1:1)";
  return error;
}

/** Replaces the clock until the end of the scope; the test sets the time. */
class FakeClock implements Disposable {
  /** The time in milliseconds. */
  now = 0;

  constructor() {
    Object.defineProperty(performance, "now", {
      value: () => this.now,
      configurable: true,
    });
  }

  [Symbol.dispose](): void {
    Reflect.deleteProperty(performance, "now");
  }
}

Deno.test("CallerTrace begins with the caller of the given function", () => {
  const frames = userProgram().stack.split("\n    at ").slice(1);
  assert(frames[0]!.startsWith("userProgram "), frames[0]);
});

Deno.test("CallerTrace.addTo() appends the caller to the worker's frames", () => {
  const error = remoteError();
  const traced = userProgram().addTo(error);
  assertStrictEquals(traced, error);
  const lines = error.stack!.split("\n");
  assertEquals(lines.slice(0, 2), [
    "TypeError: oops",
    "    at task (task:task:1:1)",
  ]);
  assert(lines[2]!.startsWith("    at userProgram "), lines[2]);
  assertFalse(error.stack!.includes("at method "));
});

Deno.test("CallerTrace.addTo() changes nothing but the stack", () => {
  const cause = new Error("the cause");
  const error = new RangeError("oops", { cause });
  userProgram().addTo(error);
  assertEquals([error.name, error.message], ["RangeError", "oops"]);
  assertStrictEquals(error.cause, cause);
  assertEquals(Object.keys(error), []);
  error.stack = "can be set";
  assertEquals(error.stack, "can be set");
});

Deno.test("CallerTrace.addTo() returns values that aren't errors", () => {
  const thrown = { stack: "mine" };
  const trace = userProgram();
  for (const value of [undefined, null, "text", 1, thrown]) {
    assertStrictEquals(trace.addTo(value), value);
  }
  assertEquals(thrown, { stack: "mine" });
});

Deno.test("CallerTrace.addTo() accepts DOMExceptions and errors without a stack", () => {
  const exception = new DOMException("oops", "AbortError");
  userProgram().addTo(exception);
  assertStringIncludes(exception.stack!, "at userProgram ");
  const error = new Error("oops");
  Reflect.deleteProperty(error, "stack");
  userProgram().addTo(error);
  assertStringIncludes(error.stack!, "at userProgram ");
});

Deno.test("rejectWithAwaiters() adds the frames of awaiting async functions", async () => {
  const { promise, resolve } = Promise.withResolvers<never>();
  const error = remoteError();
  async function inner(): Promise<void> {
    await promise;
  }
  async function outer(): Promise<void> {
    await inner();
  }
  const outcome = outer().catch((thrown) => thrown);
  resolve(rejectWithAwaiters(error));
  assertStrictEquals(await outcome, error);
  assertStringIncludes(error.stack!, "oops\n    at task (task:task:1:1)\n");
  const inside = error.stack!.indexOf("at async inner ");
  assert(inside > 0 && inside < error.stack!.indexOf("at async outer "));
});

Deno.test("rejectWithAwaiters() rejects with a value that isn't an error unchanged", async () => {
  assertEquals(await rejectWithAwaiters("text").catch(String), "text");
});

Deno.test("rejectWithAwaiters() keeps the class of an error", async () => {
  await assertRejects(
    () => rejectWithAwaiters(remoteError()),
    TypeError,
    "oops",
  );
});

Deno.test("CallerTracer traces four callers in a millisecond", async () => {
  using clock = new FakeClock();
  const tracer = new CallerTracer();
  const traced = () =>
    Array.from(
      { length: 6 },
      () => tracer.trace(traced) !== undefined,
    );
  const burst = [true, true, true, true, false, false];
  assertEquals(traced(), burst);
  await Promise.resolve();
  clock.now = 0.9;
  assertFalse(traced().includes(true));
  await Promise.resolve();
  clock.now = 1;
  assertEquals(traced(), burst);
});

Deno.test("CallerTracer traces the first caller after many at once", async () => {
  using clock = new FakeClock();
  const tracer = new CallerTracer();
  const trace = () => tracer.trace(trace) !== undefined;
  const burst = Array.from({ length: 7 }, trace);
  assertEquals(burst.filter((isTraced) => isTraced).length, 4);
  clock.now = 1;
  await Promise.resolve();
  assert(trace());
});

Deno.test("CallerTracer looks at the clock now and then during synchronous code", () => {
  using clock = new FakeClock();
  const tracer = new CallerTracer();
  const trace = () => tracer.trace(trace) !== undefined;
  for (let call = 0; call < 100; call++) trace();
  clock.now = 1;
  const later = Array.from({ length: 20 }, trace);
  assertEquals(later.filter((isTraced) => isTraced).length, 4);
});

Deno.test("CallerTracer traces every caller when calls are rare", () => {
  using clock = new FakeClock();
  const tracer = new CallerTracer();
  function call(): CallerTrace | undefined {
    return tracer.trace(call);
  }
  for (; clock.now < 100; clock.now++) assertInstanceOf(call(), CallerTrace);
});
