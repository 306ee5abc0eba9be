/**
 * Tests that a pool must pass wherever its workers run.
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
import {
  BrokenPoolError,
  Pool,
  PoolClosedError,
  type PoolOptions,
} from "../../mod.ts";
import {
  double,
  naturals,
  type Need,
  type Test,
  type TestWith,
  XS,
} from "./conformance_fixture.ts";
import { testArgumentStreams } from "./conformance_arguments.ts";
import { testCalls } from "./conformance_calls.ts";
import { testErrors } from "./conformance_errors.ts";
import { testExplanations } from "./conformance_explanations.ts";
import { testFlattening } from "./conformance_flattening.ts";
import { testLostStreams } from "./conformance_lost_streams.ts";
import { testMaps } from "./conformance_maps.ts";
import { testMemoryLimits } from "./conformance_memory.ts";
import { testMessages } from "./conformance_messages.ts";
import { testProgress } from "./conformance_progress.ts";
import { testQueue } from "./conformance_queue.ts";
import { testRandomNumbers } from "./conformance_random.ts";
import { testRunTimeouts } from "./conformance_run_timeouts.ts";
import { testJournals } from "./conformance_journals.ts";
import { testRetries } from "./conformance_retries.ts";
import { testSettledMaps } from "./conformance_settled.ts";
import { testSources } from "./conformance_sources.ts";
import { testStreams } from "./conformance_streams.ts";
import { testTurnover } from "./conformance_turnover.ts";

/** A kind of pool to test. */
export interface Kind {
  /** The name of the kind in the tests' names. */
  readonly name: string;
  /** Makes the options of a pool. */
  readonly options: () => PoolOptions;
  /**
   * How many workers the pool has.
   *
   * @default {2}
   */
  readonly workers?: number;
  /**
   * Waits until all workers are in use. By default, they are as soon as the pool
   * is ready.
   */
  readonly settle?: (pool: Pool) => Promise<void>;
  /**
   * What rejects if the initializer fails: `ready` and calls, only calls, or
   * nothing, as calls wait for other workers.
   *
   * @default {"ready"}
   */
  readonly initializerFailure?: "ready" | "calls" | "nothing";
  /**
   * What its pools lack. Tests that need it aren't declared.
   *
   * @default {[]}
   */
  readonly lacks?: readonly Need[];
  /**
   * Declares a test.
   *
   * @default {Deno.test}
   */
  readonly declare?: (name: string, body: () => Promise<void>) => void;
  /**
   * Declares a test of a pool without further options. By default, each test has
   * a pool of its own.
   */
  readonly declareShared?: Test;
}

/**
 * Declares all tests for a kind of pool.
 *
 * @returns The names of the tests that weren't declared.
 */
export function testConformance(kind: Kind): string[] {
  const { declare = Deno.test, lacks = [] } = kind;
  const leftOut: string[] = [];
  function test(
    name: string,
    body: (pool: Pool) => Promise<void>,
    need?: Need,
  ): void {
    if (need !== undefined && lacks.includes(need)) leftOut.push(name);
    else if (kind.declareShared === undefined) testWith(name, {}, body);
    else kind.declareShared(`Pool (${kind.name}) ${name}`, body);
  }
  function testWith(
    name: string,
    extra: PoolOptions,
    body: (pool: Pool) => Promise<void>,
    need?: Need,
  ): void {
    if (need !== undefined && lacks.includes(need)) {
      leftOut.push(name);
      return;
    }
    declare(`Pool (${kind.name}) ${name}`, async () => {
      const options = { ...kind.options(), ...extra };
      if (lacks.includes("several workers")) {
        Object.assign(options, { workers: kind.options().workers });
      }
      await using pool = new Pool(options);
      if (extra.lazy !== true) await kind.settle?.(pool);
      await body(pool);
    });
  }
  testCalls(test, testWith);
  testErrors(test);
  testExplanations(test);
  testQueue(test, testWith, kind);
  testRetries(test);
  testSettledMaps(test, testWith);
  testJournals(test);
  testRunTimeouts(test);
  testMemoryLimits(testWith);
  testTurnover(testWith);
  testRandomNumbers(test);
  testProgress(test);
  testMaps(test, testWith);
  testSources(test, testWith);
  testStreams(test, testWith);
  testFlattening(test, testWith);
  testArgumentStreams(test);
  testMessages(test);
  testLostStreams(test);
  testInitializers(testWith, kind);
  testInitializerFailure(kind);
  testReady(testWith, kind);
  testShutdown(kind);
  testShutdownOnDemand(kind);
  return leftOut;
}

/** Tests of initializers. */
function testInitializers(
  testWith: TestWith,
  { workers = 2 }: Kind,
): void {
  testWith("runs the initializer on each worker first", {
    initializer: (value: string) => {
      (globalThis as { initialized?: string }).initialized = value;
    },
    initializerArgs: ["yes"],
  }, async (pool) => {
    const seen = await pool.runOnAll(() =>
      (globalThis as { initialized?: string }).initialized
    );
    assertEquals(seen, new Array(workers).fill("yes"));
  });
}

/** A test of an initializer that fails. */
function testInitializerFailure(
  { name, options, declare = Deno.test, initializerFailure = "ready" }: Kind,
): void {
  if (initializerFailure === "nothing") return;
  declare(
    `Pool (${name}) rejects all calls if the initializer fails`,
    async () => {
      await using pool = new Pool({
        ...options(),
        initializer: () => {
          throw new TypeError("not today");
        },
        initializerArgs: [],
      });
      const run = assertRejects(() => pool.run(double, 1), BrokenPoolError);
      if (initializerFailure === "ready") {
        const error = await assertRejects(() => pool.ready, BrokenPoolError);
        assertInstanceOf(error.cause, TypeError);
      }
      assertStringIncludes((await run).message, "not today");
      await assertRejects(() => pool.run(double, 1), BrokenPoolError);
      await assertRejects(
        () => pool.map(double, [1]).toArray(),
        BrokenPoolError,
      );
      await assertRejects(() => pool.runOnAll(double, 1), BrokenPoolError);
    },
  );
}

/** Tests of when a pool is ready. */
function testReady(
  testWith: TestWith,
  { name, options, settle, workers = 2, declare = Deno.test }: Kind,
): void {
  declare(
    `Pool (${name}) is ready when all workers have connected`,
    async () => {
      await using pool = new Pool(options());
      assert(!pool.isReady);
      await pool.ready;
      assert(pool.isReady);
      await settle?.(pool);
      assertEquals(pool.totalWorkers, workers);
      await pool.shutdown();
      assert(!pool.isReady);
    },
  );

  testWith("starts workers with the first task if it is lazy", {
    lazy: true,
  }, async (pool) => {
    assert(!pool.isReady);
    assertEquals(await pool.run(double, 2), 4);
    assert(pool.isReady);
  });
}

/** A task that takes a while. */
const slow = async (x: number) => {
  await new Promise((resolve) => setTimeout(resolve, 2));
  return x;
};

/** Tests of shutdowns with pending calls. */
function testShutdown({ name, options, declare = Deno.test }: Kind): void {
  declare(
    `Pool.shutdown() lets what was submitted finish (${name})`,
    async () => {
      const pool = new Pool(options());
      const results = XS.map((x) => pool.run(slow, x));
      await pool.shutdown();
      assertEquals(await Promise.all(results), XS);
      await assertRejects(() => pool.run(slow, 1), PoolClosedError);
      await assertRejects(() => pool.runOnAll(slow, 1), PoolClosedError);
      await assertRejects(() => pool.map(slow, [1]).toArray(), PoolClosedError);
      await pool.shutdown();
    },
  );

  declare(
    `Pool.shutdown() without waiting lets it finish too (${name})`,
    async () => {
      const pool = new Pool(options());
      const results = XS.map((x) => pool.run(slow, x));
      await pool.shutdown({ wait: false });
      await assertRejects(() => pool.run(slow, 1), PoolClosedError);
      assertEquals(await Promise.all(results), XS);
      await pool.shutdown();
    },
  );

  declare(
    `Pool.shutdown() ends a map that is being read (${name})`,
    async () => {
      const pool = new Pool(options());
      const map = pool.map(slow, naturals());
      assertEquals((await map.next()).value, 0);
      await pool.shutdown();
      let read = 1;
      await assertRejects(async () => {
        for await (const result of map) assertEquals(result, read++);
      }, PoolClosedError);
    },
  );
}

/** Tests of shutdowns with other states and options. */
function testShutdownOnDemand(
  { name, options, declare = Deno.test }: Kind,
): void {
  declare(
    `Pool.shutdown() cancels queued calls on demand (${name})`,
    async () => {
      const pool = new Pool({ ...options(), prefetch: 0 });
      await pool.ready;
      const results = XS.map((x) => pool.submit(slow, x));
      await results[0];
      await pool.shutdown({ cancelFutures: true });
      const outcomes = await Promise.allSettled(results);
      assertEquals(outcomes[0], { status: "fulfilled", value: 0 });
      assert(
        outcomes.every((outcome) =>
          outcome.status === "fulfilled" || outcome.reason.name === "AbortError"
        ),
      );
      assertEquals(outcomes.at(-1)!.status, "rejected");
    },
  );

  declare(
    `Pool.shutdown() makes each later call fail with its own caller's stack (${name})`,
    async () => {
      const pool = new Pool(options());
      await pool.shutdown();
      const first = async () => await pool.run(slow, 1);
      const second = async () => await pool.run(slow, 2);
      for (
        const [caller, other] of [[first, "second"], [second, "first"]] as const
      ) {
        const { stack } = await assertRejects(caller, PoolClosedError);
        assertStringIncludes(stack!, `at ${caller.name} `);
        assert(!stack!.includes(`at ${other} `), stack);
      }
    },
  );

  declare(
    `Pool.shutdown() ends a pool that is starting (${name})`,
    async () => {
      await new Pool(options()).shutdown();
      const pool = new Pool({ ...options(), lazy: true });
      await pool.shutdown();
      await assertRejects(() => pool.ready, PoolClosedError);
    },
  );
}
