import { testSharedConformance } from "../../conformance/shared_conformance.ts";
import { kubeTest } from "../../helpers/kube_api.ts";
import { launchedKind } from "../../helpers/launchers.ts";
import { sharedKube } from "../../helpers/shared_kube.ts";

const shared = sharedKube();
const kind = launchedKind(() => ({
  host: "kubernetes://batch/2",
  workersPerJob: 2,
  kubectlArgs: shared.kubectlArgs,
}));

testSharedConformance({ name: "kubernetes", ...kind }, { declare: kubeTest });
