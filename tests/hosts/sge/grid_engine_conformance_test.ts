import { assertEquals } from "@std/assert";
import type { Pool } from "../../../mod.ts";
import { testConformance } from "../../conformance/conformance.ts";
import { withSharedPool } from "../../conformance/shared_pool.ts";
import { gridEngineTest, sharedGridEngine } from "../../helpers/grid_engine.ts";
import { sgeOptions, untilWorkers } from "../../helpers/batch_pools.ts";

const name = "sge";
const shared = sharedGridEngine();
const options = () => sgeOptions(shared.engine);
const settle = (pool: Pool) => untilWorkers(pool, 2);

withSharedPool(name, {
  // Tests of lost workers would use up what a pool restarts.
  options: () => ({ ...options(), maxRestarts: 1_000 }),
  settle,
  declare: gridEngineTest,
  afterwards: async () => {
    assertEquals(await shared.engine.tasks(), new Map());
  },
}, (tests) =>
  testConformance({
    name,
    options,
    settle,
    initializerFailure: "calls",
    ...tests,
  }));
