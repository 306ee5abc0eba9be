import type { Pool } from "../../../mod.ts";
import { testSharedConformance } from "../../conformance/shared_conformance.ts";
import { ConcurrentTests } from "../../helpers/concurrent_tests.ts";
import { sharedSlurm, slurmTest } from "../../helpers/slurm_cluster.ts";
import { slurmOptions, untilWorkers } from "../../helpers/batch_pools.ts";

const shared = sharedSlurm();
const options = () => slurmOptions(shared.cluster);
const settle = (pool: Pool) => untilWorkers(pool, 2);

/** Tests with pools of their own. Slurm starts jobs once a second. */
const others = new ConcurrentTests();

testSharedConformance({
  name: "slurm",
  options,
  settle,
  initializerFailure: "calls",
}, {
  declare: (name, body, sanitizers) => {
    if (sanitizers === undefined) others.declare(name, body);
    else slurmTest(name, body, sanitizers);
  },
  afterwards: () => shared.cluster.empty(),
});

slurmTest(
  "Pool (slurm) passes tests with pools of their own",
  async (context) => {
    await others.run(context, 4);
    await shared.cluster.empty();
  },
);
