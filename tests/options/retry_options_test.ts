import { assertEquals, assertThrows } from "@std/assert";
import { Pool, type RetryOptions } from "../../mod.ts";
import { retrySettings } from "../../src/options/retry_options.ts";

Deno.test("retrySettings() fills in the defaults of @std/async", () => {
  const { when, ...others } = retrySettings({});
  assertEquals(others, {
    attempts: 5,
    minTimeout: 1_000,
    maxTimeout: 60_000,
    multiplier: 2,
    jitter: 1,
  });
  assertEquals(when(new Error()), true);
});

Deno.test("retrySettings() keeps what is given", () => {
  const options = {
    attempts: 1,
    when: () => false,
    minTimeout: 0,
    maxTimeout: Infinity,
    multiplier: 1,
    jitter: 0,
  };
  assertEquals(retrySettings(options), options);
});

const WRONG: [
  options: Record<string, unknown>,
  type: ErrorConstructor,
  message: string,
][] = [
  [{ attempts: "5" }, TypeError, "'retry.attempts' must be an integer"],
  [{ attempts: 0 }, RangeError, "'retry.attempts' must be an integer of at"],
  [{ attempts: 1.5 }, RangeError, "'retry.attempts'"],
  [{ attempts: Infinity }, RangeError, "'retry.attempts'"],
  [{ when: true }, TypeError, "'retry.when' must be a function"],
  [{ minTimeout: "1" }, TypeError, "'retry.minTimeout' must be a number"],
  [{ minTimeout: -1 }, RangeError, "'retry.minTimeout'"],
  [{ minTimeout: NaN }, RangeError, "'retry.minTimeout'"],
  [{ maxTimeout: 0 }, RangeError, "'retry.maxTimeout'"],
  [{ maxTimeout: NaN }, RangeError, "'retry.maxTimeout'"],
  [{ maxTimeout: null }, TypeError, "'retry.maxTimeout'"],
  [{ minTimeout: 9, maxTimeout: 8 }, RangeError, "but they are 9 and 8"],
  [{ maxTimeout: 8 }, RangeError, "but they are 1000 and 8: set both"],
  [{ multiplier: 0.5 }, RangeError, "'retry.multiplier'"],
  [{ multiplier: Infinity }, RangeError, "'retry.multiplier' must be a finite"],
  [{ multiplier: "2" }, TypeError, "'retry.multiplier'"],
  [{ jitter: 1.1 }, RangeError, "'retry.jitter' must be a number from 0 to 1"],
  [{ jitter: true }, TypeError, "'retry.jitter'"],
  [{ maxAttempts: 3 }, TypeError, "use 'attempts'"],
  [{ isRetriable: () => true }, TypeError, "use 'when'"],
  [{ signal: undefined }, TypeError, "with({ signal, retry })"],
  [{ tries: 3 }, TypeError, "'retry' has no option 'tries'; it has attempts, "],
];

for (const [options, type, message] of WRONG) {
  const name = Deno.inspect(options, { breakLength: Infinity });
  Deno.test(`retrySettings() refuses ${name}`, () => {
    assertThrows(() => retrySettings(options as RetryOptions), type, message);
  });
}

Deno.test("Pool.with() checks retry, and map() and transform() name the way", async () => {
  await using pool = new Pool({ workers: 1, lazy: true });
  assertThrows(() => pool.with({ retry: 3 as never }), TypeError, "'retry'");
  assertThrows(
    () => pool.with({ retry: { attempts: 0 } }),
    RangeError,
    "'retry.attempts'",
  );
  const options = { retry: {} } as never;
  assertThrows(
    () => pool.map((x: number) => x, [1], options),
    TypeError,
    "pool.with({ retry }).map(",
  );
  assertThrows(
    () => pool.transform((x: number) => x, options),
    TypeError,
    "pool.with({ retry }).transform(",
  );
});
