import { assertEquals } from "@std/assert";
import type { Pool } from "../../../mod.ts";
import { testSharedConformance } from "../../conformance/shared_conformance.ts";
import { gridEngineTest, sharedGridEngine } from "../../helpers/grid_engine.ts";
import { sgeOptions, untilWorkers } from "../../helpers/batch_pools.ts";

const shared = sharedGridEngine();
const options = () => sgeOptions(shared.engine);
const settle = (pool: Pool) => untilWorkers(pool, 2);

testSharedConformance({
  name: "sge",
  options,
  settle,
  initializerFailure: "calls",
}, {
  declare: gridEngineTest,
  afterwards: async () => {
    assertEquals(await shared.engine.tasks(), new Map());
  },
});
