import { testConformance } from "../../conformance/conformance.ts";
import { ConcurrentTests } from "../../helpers/concurrent_tests.ts";
import { sharedSlurm, slurmProblem } from "../../helpers/slurm_cluster.ts";
import { slurmOptions, untilWorkers } from "../../helpers/slurm_pool.ts";

const shared = sharedSlurm();

/** Slurm starts jobs once a second. */
const tests = new ConcurrentTests();

testConformance({
  name: "slurm",
  options: () => slurmOptions(shared.cluster, { workersPerJob: 2 }),
  settle: (pool) => untilWorkers(pool, 2),
  initializerFailure: "calls",
  declare: tests.declare,
});

Deno.test({
  name: "Pool (slurm) passes the conformance suite",
  ignore: slurmProblem !== undefined,
  fn: async (context) => {
    await tests.run(context, 8);
    await shared.cluster.empty();
  },
});
