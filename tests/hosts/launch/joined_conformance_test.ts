import { testConformance } from "../../conformance/conformance.ts";
import { joinedKind } from "../../helpers/joined_pool.ts";

testConformance({
  name: "joined",
  ...joinedKind(2),
  // Others may join, whose initializer succeeds.
  initializerFailure: "nothing",
});
