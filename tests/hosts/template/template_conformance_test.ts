import { testConformance } from "../../conformance/conformance.ts";
import { launchedKind } from "../../helpers/launchers.ts";

testConformance({
  name: "launch",
  ...launchedKind(() => ({
    launch: ["sh", "-c", "exec {command}"],
    workers: 2,
    workersPerJob: 2,
  })),
});
