import { testConformance } from "../../conformance/conformance.ts";
import { withSharedPool } from "../../conformance/shared_pool.ts";
import { launchedKind } from "../../helpers/launchers.ts";

const name = "launch";
const kind = launchedKind(() => ({
  launch: ["sh", "-c", "exec {command}"],
  workers: 2,
  workersPerJob: 2,
}));

withSharedPool(name, {
  // Tests of lost workers would use up what a pool restarts.
  options: () => ({ ...kind.options(), maxRestarts: 1_000 }),
  settle: kind.settle,
  declare: (name, fn, sanitizers) => Deno.test({ ...sanitizers, name, fn }),
}, (tests) => testConformance({ name, ...kind, ...tests }));
