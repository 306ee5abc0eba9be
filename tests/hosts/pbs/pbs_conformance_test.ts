import type { Pool } from "../../../mod.ts";
import { testSharedConformance } from "../../conformance/shared_conformance.ts";
import { pbsOptions, untilWorkers } from "../../helpers/batch_pools.ts";
import { sharedTorque, torqueTest } from "../../helpers/shared_torque.ts";

const shared = sharedTorque();
const options = () => pbsOptions(shared.cluster, { workersPerJob: 2 });
const settle = (pool: Pool) => untilWorkers(pool, 2);

testSharedConformance({
  name: "pbs",
  options,
  settle,
  initializerFailure: "calls",
}, {
  declare: torqueTest,
  afterwards: () => shared.cluster.empty(),
});
