/**
 * Makes a pool a stage of an [RxJS](https://rxjs.dev) 7 pipeline.
 *
 * Only this entry point needs RxJS.
 *
 * @example Usage
 * ```ts
 * import { Pool } from "@distex/pool";
 * import { poolMap } from "@distex/pool/rx";
 * import { assertEquals } from "@std/assert";
 * import { lastValueFrom, of, toArray } from "rxjs";
 *
 * await using pool = new Pool(2);
 * const lengths = of("to", "be?").pipe(
 *   poolMap(pool, (word) => word.length),
 *   toArray(),
 * );
 * assertEquals(await lastValueFrom(lengths), [2, 3]);
 * ```
 *
 * @module
 */

export { poolMap } from "./src/rx/pool_map.ts";
