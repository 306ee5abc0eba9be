import { Pool } from "../../mod.ts";
import { type Kind, testConformance } from "./conformance.ts";
import { marks } from "./conformance_fixture.ts";
import { until } from "../helpers/processes.ts";

/** Sanitizers of a test that are switched off. */
interface Unsanitized {
  readonly sanitizeOps: boolean;
  readonly sanitizeResources: boolean;
}

/** Options of {@linkcode testSharedConformance}. */
export interface SharedConformanceOptions {
  /**
   * Declares a test.
   *
   * @default {Deno.test}
   */
  readonly declare?: (
    name: string,
    body: () => Promise<void>,
    sanitizers?: Unsanitized,
  ) => void;
  /**
   * Checks that an ended pool has left nothing.
   *
   * @default {() => Promise.resolve()}
   */
  readonly afterwards?: () => Promise<void>;
}

/** What a pool holds that goes on isn't a leak. */
const UNSANITIZED: Unsanitized = {
  sanitizeOps: false,
  sanitizeResources: false,
};

/**
 * Declares the same tests as {@linkcode testConformance}, most of which share a
 * pool, because pools of this kind take long to start. They come first, as it
 * would be in the way of the sanitizers of the others.
 */
export function testSharedConformance(
  kind: Omit<Kind, "declare" | "declareShared">,
  { declare = declareTest, afterwards }: SharedConformanceOptions = {},
): void {
  const { name, options, workers = 2 } = kind;
  const { settle = (pool: Pool) => allConnected(pool, workers) } = kind;
  let pool: Pool | undefined;
  const end = async () => {
    await pool?.[Symbol.asyncDispose]();
    pool = undefined;
  };
  const others: (() => void)[] = [];
  testConformance({
    ...kind,
    declare(name, body) {
      others.push(() => declare(name, body));
    },
    declareShared(name, body) {
      declare(name, async () => {
        // The last test may have ended it.
        if (pool?.isReady === false) await end();
        // Tests of lost workers would use up what a pool restarts.
        pool ??= new Pool({ ...options(), maxRestarts: 1_000 });
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

/** Waits for all workers: those that a test before has ended are replaced. */
async function allConnected(pool: Pool, workers: number): Promise<void> {
  await pool.ready;
  await until(() => pool.stats().workers === workers);
}

function declareTest(
  name: string,
  fn: () => Promise<void>,
  sanitizers?: Unsanitized,
): void {
  Deno.test({ ...sanitizers, name, fn });
}
