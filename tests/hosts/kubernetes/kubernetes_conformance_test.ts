import { testConformance } from "../../conformance/conformance.ts";
import { kubeTest } from "../../helpers/kube_api.ts";
import { launchedKind } from "../../helpers/launchers.ts";
import { sharedKube } from "../../helpers/shared_kube.ts";

const shared = sharedKube();

testConformance({
  name: "kubernetes",
  ...launchedKind(() => ({
    host: "kubernetes://batch/2",
    workersPerJob: 2,
    kubectlArgs: shared.kubectlArgs,
  })),
  declare: kubeTest,
});
