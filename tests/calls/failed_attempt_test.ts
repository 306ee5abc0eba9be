import { assertEquals, assertStrictEquals } from "@std/assert";
import { judgeAttempt } from "../../src/calls/failed_attempt.ts";
import { retrySettings } from "../../src/options/retry_options.ts";
import { LONGEST_DELAY } from "../../src/util/keep_alive.ts";

const ERROR = new Error("oops");

/** Runs a function with random numbers that are all the same. */
function withRandom<T>(random: number, body: () => T): T {
  const { random: genuine } = Math;
  Math.random = () => random;
  try {
    return body();
  } finally {
    Math.random = genuine;
  }
}

Deno.test("judgeAttempt() pauses like retry() of @std/async", () => {
  const retry = retrySettings({
    attempts: 6,
    minTimeout: 100,
    maxTimeout: 2_500,
    multiplier: 3,
    jitter: 0.5,
  });
  const pausesWith = (random: number) =>
    withRandom(
      random,
      () =>
        [1, 2, 3, 4, 5, 6].map((attempts) =>
          judgeAttempt(retry, ERROR, attempts).pause
        ),
    );
  assertEquals(pausesWith(0), [100, 300, 900, 2_500, 2_500, undefined]);
  assertEquals(pausesWith(1), [50, 150, 450, 1_250, 1_250, undefined]);
});

Deno.test("judgeAttempt() pauses no longer than a timer can wait", () => {
  const retry = retrySettings({
    attempts: 10_000,
    maxTimeout: Infinity,
    jitter: 0,
  });
  const { pause } = judgeAttempt(retry, ERROR, 5_000);
  assertEquals(pause, LONGEST_DELAY);
});

Deno.test("judgeAttempt() never pauses with a 'minTimeout' of 0", () => {
  const retry = retrySettings({ attempts: 10_000, minTimeout: 0 });
  for (const attempts of [1, 9_999]) {
    assertEquals(judgeAttempt(retry, ERROR, attempts).pause, 0);
  }
});

Deno.test("judgeAttempt() asks 'when' after each attempt but the last", () => {
  const asked: unknown[] = [];
  const retry = retrySettings({
    attempts: 2,
    when: (error) => {
      asked.push(error);
      return error !== "no";
    },
  });
  assertEquals(typeof judgeAttempt(retry, "yes", 1).pause, "number");
  assertEquals(judgeAttempt(retry, "no", 1).pause, undefined);
  assertEquals(judgeAttempt(retry, "yes", 2).pause, undefined);
  assertEquals(asked, ["yes", "no"]);
});

Deno.test("judgeAttempt() fails with what 'when' throws", () => {
  const reason = new RangeError("no idea");
  const retry = retrySettings({
    when: () => {
      throw reason;
    },
  });
  const failed = judgeAttempt(retry, ERROR, 1);
  assertStrictEquals(failed.reason, reason);
  assertEquals(failed.pause, undefined);
});

Deno.test("judgeAttempt() fails if 'when' doesn't return a boolean", () => {
  const when = (() => Promise.resolve(true)) as never;
  const { reason, pause } = judgeAttempt(retrySettings({ when }), ERROR, 1);
  assertEquals(
    String(reason),
    "TypeError: 'retry.when' must return true or false, but returned Promise { true }",
  );
  assertEquals(pause, undefined);
});

Deno.test("judgeAttempt() doesn't repeat a task whose result can't be sent", () => {
  const error = new DOMException("no", "DataCloneError");
  assertEquals(judgeAttempt(retrySettings({}), error, 1).pause, undefined);
});

Deno.test("judgeAttempt() counts the attempts in the last error", () => {
  const once = retrySettings({ attempts: 3 });
  const error = new Error("oops");
  const early = judgeAttempt(once, error, 2);
  assertEquals([Object.hasOwn(error, "attempts"), early.attempts], [false, 2]);
  const { reason, attempts } = judgeAttempt(once, error, 3);
  assertStrictEquals(reason, error);
  assertEquals(attempts, 3);
  assertEquals(Object.getOwnPropertyDescriptor(error, "attempts"), {
    value: 3,
    writable: true,
    configurable: true,
    enumerable: false,
  });
});

Deno.test("judgeAttempt() leaves values alone that can't have the property, or have it", () => {
  const retry = retrySettings({ attempts: 1 });
  const frozen = Object.freeze(new Error("frozen"));
  const own = Object.assign(new Error("own"), { attempts: "mine" });
  for (const thrown of ["text", undefined, null, 0, frozen, own]) {
    const failed = judgeAttempt(retry, thrown, 1);
    assertStrictEquals(failed.reason, thrown);
    assertEquals(failed.attempts, 1);
  }
  assertEquals(own.attempts, "mine");
});
