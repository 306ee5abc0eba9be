import { testSharedConformance } from "../../conformance/shared_conformance.ts";
import { launchedKind } from "../../helpers/launchers.ts";

const kind = launchedKind(() => ({
  launch: ["sh", "-c", "exec {command}"],
  workers: 2,
  workersPerJob: 2,
}));

testSharedConformance({ name: "launch", ...kind });
