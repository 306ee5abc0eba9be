import { testSharedConformance } from "../../conformance/shared_conformance.ts";
import { joinedKind } from "../../helpers/joined_pool.ts";

const { options, settle, declare, endAgents } = joinedKind(2);

testSharedConformance({
  name: "joined",
  options,
  settle,
  // Others may join, whose initializer succeeds.
  initializerFailure: "nothing",
}, {
  declare: (name, fn, sanitizers) => {
    if (sanitizers === undefined) declare(name, fn);
    else Deno.test({ ...sanitizers, name, fn });
  },
  afterwards: endAgents,
});
