import { testConformance } from "../../conformance/conformance.ts";
import { withSharedPool } from "../../conformance/shared_pool.ts";
import { joinedKind } from "../../helpers/joined_pool.ts";

const name = "joined";
const { options, settle, declare, endAgents } = joinedKind(2);

withSharedPool(name, {
  // Tests of lost workers would use up what a pool restarts.
  options: () => ({ ...options(), maxRestarts: 1_000 }),
  settle,
  declare: (name, fn, sanitizers) => {
    if (sanitizers === undefined) declare(name, fn);
    else Deno.test({ ...sanitizers, name, fn });
  },
  afterwards: endAgents,
}, (tests) =>
  testConformance({
    name,
    options,
    settle,
    // Others may join, whose initializer succeeds.
    initializerFailure: "nothing",
    ...tests,
  }));
