import { testConformance } from "../../conformance/conformance.ts";
import { withSharedPool } from "../../conformance/shared_pool.ts";
import { kubeTest } from "../../helpers/kube_api.ts";
import { launchedKind } from "../../helpers/launchers.ts";
import { sharedKube } from "../../helpers/shared_kube.ts";

const name = "kubernetes";
const shared = sharedKube();
const kind = launchedKind(() => ({
  host: "kubernetes://batch/2",
  workersPerJob: 2,
  kubectlArgs: shared.kubectlArgs,
}));

withSharedPool(name, {
  // Tests of lost workers would use up what a pool restarts.
  options: () => ({ ...kind.options(), maxRestarts: 1_000 }),
  settle: kind.settle,
  declare: kubeTest,
}, (tests) => testConformance({ name, ...kind, ...tests }));
