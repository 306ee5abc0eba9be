import type { Pool } from "../../../mod.ts";
import { testConformance } from "../../conformance/conformance.ts";
import { withSharedPool } from "../../conformance/shared_pool.ts";
import { untilWorkers } from "../../helpers/grid_engine_pool.ts";
import { sharedTorque, torqueTest } from "../../helpers/torque.ts";
import { pbsOptions } from "../../helpers/torque_pool.ts";

const name = "pbs";
const shared = sharedTorque();
const options = () => pbsOptions(shared.cluster, { workersPerJob: 2 });
const settle = (pool: Pool) => untilWorkers(pool, 2);

withSharedPool(name, {
  // Tests of lost workers would use up what a pool restarts.
  options: () => ({ ...options(), maxRestarts: 1_000 }),
  settle,
  declare: torqueTest,
  afterwards: () => shared.cluster.empty(),
}, (tests) =>
  testConformance({
    name,
    options,
    settle,
    initializerFailure: "calls",
    ...tests,
  }));
