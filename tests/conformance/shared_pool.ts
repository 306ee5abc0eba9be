import { Pool, type PoolOptions } from "../../mod.ts";
import { marks, type Test } from "./conformance_fixture.ts";

/** How tests of a kind of pool are declared that takes long to start. */
export interface SharedPoolTests {
  /** Declares a test that makes its own pool. */
  readonly declare: (name: string, body: () => Promise<void>) => void;
  /** Declares a test that gets a pool which other tests use, too. */
  readonly declareShared: Test;
}

/** What {@linkcode withSharedPool} needs. */
export interface SharedPoolOptions {
  /** Makes the options of the pool. */
  readonly options: () => PoolOptions;
  /** Waits until all workers are in use. */
  readonly settle: (pool: Pool) => Promise<void>;
  /** Declares a test. */
  readonly declare: (
    name: string,
    body: () => Promise<void>,
    sanitizers?: { sanitizeOps: boolean; sanitizeResources: boolean },
  ) => void;
  /**
   * Checks that an ended pool has left nothing.
   *
   * @default {() => Promise.resolve()}
   */
  readonly afterwards?: () => Promise<void>;
}

/** What a pool holds that goes on isn't a leak. */
const UNSANITIZED = { sanitizeOps: false, sanitizeResources: false };

/**
 * Declares tests most of which share a pool. They come first, as it would be in
 * the way of the sanitizers of the others.
 */
export function withSharedPool(
  name: string,
  { options, settle, declare, afterwards }: SharedPoolOptions,
  declareAll: (tests: SharedPoolTests) => void,
): void {
  let pool: Pool | undefined;
  const end = async () => {
    await pool?.[Symbol.asyncDispose]();
    pool = undefined;
  };
  const others: (() => void)[] = [];
  declareAll({
    declare(name, body) {
      others.push(() => declare(name, body));
    },
    declareShared(name, body) {
      declare(name, async () => {
        // The last test may have ended it.
        if (pool?.isReady === false) await end();
        pool ??= new Pool(options());
        await settle(pool);
        await marks(pool);
        await body(pool);
      }, UNSANITIZED);
    },
  });
  declare(`Pool (${name}) leaves nothing behind`, async () => {
    await end();
    await afterwards?.();
  }, UNSANITIZED);
  for (const other of others) other();
}
