import { assertMatch } from "@std/assert";
import type { Future, Pool } from "../../mod.ts";
import { until } from "./processes.ts";

/** Waits until the explanation of a pool, or of a future, matches. */
export async function explained(
  pool: Pool,
  pattern: RegExp,
  future?: Future<unknown>,
): Promise<void> {
  let last = "";
  const matches = () => {
    last = pool.explain(future);
    return pattern.test(last);
  };
  await until(matches).catch(() => assertMatch(last, pattern));
}
