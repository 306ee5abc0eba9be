import { assert, assertEquals, assertFalse } from "@std/assert";
import { ObservedPromise } from "../../src/calls/observed_promise.ts";

const ATTACH: Record<string, (promise: Promise<number>) => unknown> = {
  "await": async (promise) => await promise,
  "then()": (promise) => promise.then(() => {}),
  "catch()": (promise) => promise.catch(() => {}),
  "finally()": (promise) => promise.finally(() => {}),
  "Promise.all()": (promise) => Promise.all([promise]),
  "Promise.race()": (promise) => Promise.race([promise]),
  "Promise.resolve()": (promise) => Promise.resolve(promise).then(() => {}),
  "the return of an async function": async (promise) => {
    await Promise.resolve();
    return promise;
  },
};

for (const [how, attach] of Object.entries(ATTACH)) {
  Deno.test(`ObservedPromise.isAttached is set by ${how}`, async () => {
    let calls = 0;
    const promise = new ObservedPromise<number>((resolve) => resolve(5));
    assertFalse(promise.isAttached);
    promise.whenAttached(() => calls++);
    await attach(promise);
    assertEquals([promise.isAttached, calls], [true, 1]);
  });
}

Deno.test("ObservedPromise settles like any promise", async () => {
  const promise = new ObservedPromise<number>((resolve) => resolve(5));
  assert(promise instanceof Promise);
  assertEquals(promise.constructor, Promise);
  assertEquals(await promise, 5);
});

Deno.test("ObservedPromise.ignoreRejection() doesn't set isAttached", async () => {
  let calls = 0;
  const promise = new ObservedPromise((_, reject) => reject(new Error("no")));
  promise.whenAttached(() => calls++);
  promise.ignoreRejection();
  // An unhandled rejection would fail the test.
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals([promise.isAttached, calls], [false, 0]);
});
