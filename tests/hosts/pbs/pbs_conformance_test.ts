import type { Pool } from "../../../mod.ts";
import { testConformance } from "../../conformance/conformance.ts";
import { withSharedPool } from "../../conformance/shared_pool.ts";
import { pbsOptions, untilWorkers } from "../../helpers/batch_pools.ts";
import { sharedTorque, torqueTest } from "../../helpers/shared_torque.ts";

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
