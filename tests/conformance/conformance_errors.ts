/**
 * Conformance tests of how calls fail.
 *
 * @module
 */

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { importTasks } from "../../mod.ts";
import { double, tasks, type Test, XS } from "./conformance_fixture.ts";

/** Tests of what tasks throw. */
function testThrown(test: Test): void {
  test("rejects with what a task throws", async (pool) => {
    const fail = (message: string) => {
      throw new RangeError(message);
    };
    await assertRejects(
      () => pool.run(fail, "on purpose"),
      RangeError,
      "on purpose",
    );
    await assertRejects(
      async () => await pool.submit(fail, "on purpose"),
      RangeError,
      "on purpose",
    );
    await assertRejects(() => pool.runOnAll(fail, "on purpose"), RangeError);
    assertEquals(await pool.run(double, 4), 8);
  });

  test("keeps class, name, message, cause and own properties of an error", async (pool) => {
    const error = await assertRejects(() => pool.run(tasks.failRichly));
    assertInstanceOf(error, TypeError);
    assertEquals(error.name, "RichError");
    assertEquals(error.message, "too rich");
    assertEquals((error as Error & { code: unknown }).code, { deep: [1, 2] });
    assertInstanceOf(error.cause, Deno.errors.NotFound);
    assertEquals(error.cause.message, "the cause");
  });

  test("rejects with a thrown value that isn't an error", async (pool) => {
    const thrown = await pool.run(() => {
      throw { code: 42 };
    }).catch((thrown) => thrown);
    assertEquals(thrown, { code: 42 });
    const nothing = await pool.run(() => Promise.reject(undefined)).then(
      () => "resolved",
      (thrown) => thrown,
    );
    assertEquals(nothing, undefined);
  });
}

/** Tests of stacks. */
function testStacks(test: Test): void {
  test("shows the stack of the task and of the caller", async (pool) => {
    async function theCaller() {
      await pool.run(tasks.failRichly);
    }
    const error = await assertRejects(theCaller, Error);
    const stack = error.stack!;
    assertStringIncludes(stack, "RichError: too rich");
    assertStringIncludes(stack, "tasks.ts");
    assertStringIncludes(stack, "failRichly");
    assertStringIncludes(stack, "theCaller");
    assert(!stack.includes("executor.ts"), stack);
    assert(stack.indexOf("failRichly") < stack.indexOf("theCaller"), stack);
  });

  test("shows the stacks of callers that await many calls", async (pool) => {
    async function theAwaiter() {
      await Promise.all(XS.map(() => pool.run(tasks.failRichly)));
    }
    const error = await assertRejects(theAwaiter, Error);
    assertStringIncludes(error.stack!, "failRichly");
    assertStringIncludes(error.stack!, "theAwaiter");
    async function oneOfMany() {
      await pool.run(tasks.failRichly);
    }
    const outcomes = await Promise.allSettled(XS.map(oneOfMany));
    for (const outcome of outcomes) {
      assert(outcome.status === "rejected");
      assertStringIncludes(outcome.reason.stack, "failRichly");
      assertStringIncludes(outcome.reason.stack, "oneOfMany");
    }
  });
}

/** Tests of values that can't be sent. */
function testUnsendable(test: Test): void {
  test("names an argument that can't be sent, and fails only that call", async (pool) => {
    const user = { name: "Ada", callback: () => {} };
    const [bad, good] = await Promise.allSettled([
      pool.run((value: unknown) => typeof value, { user }),
      pool.run((value: unknown) => typeof value, { user: "Ada" }),
    ]);
    assertEquals(good, { status: "fulfilled", value: "object" });
    assert(bad.status === "rejected");
    assertInstanceOf(bad.reason, DOMException);
    assertEquals(bad.reason.name, "DataCloneError");
    assertStringIncludes(
      bad.reason.message,
      "args[0].user.callback is a function",
    );
  });

  test("names the part of a result that can't be sent, and fails only that call", async (pool) => {
    const give = (bad: boolean) => bad ? [1, { get: () => 1 }] : [];
    const outcomes = await Promise.allSettled(
      [false, true, false].map((bad) => pool.run(give, bad)),
    );
    assertEquals(outcomes[0]!.status, "fulfilled");
    assertEquals(outcomes[2]!.status, "fulfilled");
    const bad = outcomes[1] as PromiseRejectedResult;
    assertStringIncludes(bad.reason.message, "result[1].get is a function");
  });

  test("hints at outer variables in a ReferenceError", async (pool) => {
    const factor = 3;
    const error = await assertRejects(
      () => pool.run((x: number) => x * factor, 2),
      ReferenceError,
      "factor is not defined",
    );
    assertStringIncludes(error.message, "importTasks()");
    assertStringIncludes(error.stack!, error.message);
  });
}

/** Tests of modules that can't be used. */
function testModuleErrors(test: Test): void {
  test("names an export that a module doesn't have", async (pool) => {
    const wrong = importTasks<{ nothing: () => void }>(
      import.meta.resolve("../helpers/tasks.ts"),
    );
    const error = await assertRejects(() => pool.run(wrong.nothing), TypeError);
    assertStringIncludes(error.message, "exports no function 'nothing'");
    assertStringIncludes(error.message, "greet");
  });

  test("rejects when a module can't be loaded", async (pool) => {
    const missing = importTasks<{ task: () => void }>(
      import.meta.resolve("./no_such_module.ts"),
    );
    await assertRejects(
      () => pool.run(missing.task),
      Error,
      "no_such_module.ts",
    );
  });
}

/** Declares these tests. */
export function testErrors(test: Test): void {
  testThrown(test);
  testStacks(test);
  testUnsendable(test);
  testModuleErrors(test);
}
