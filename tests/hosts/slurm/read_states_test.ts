import { assertEquals } from "@std/assert";
import { readStates } from "../../../src/hosts/slurm/read_states.ts";

// Recorded from Slurm 22.05.
const RECORDED = `1_8|PENDING|Resources
1_9|PENDING|None
1_7|PENDING|BeginTime
1_0|CANCELLED|None
1_1|COMPLETING|None
1_3|TIMEOUT|TimeLimit
1_4|RUNNING|None
7|PENDING|PartitionTimeLimit
5|COMPLETED|None
6|FAILED|NonZeroExitCode
`;

Deno.test("readStates() reads the output of squeue", () => {
  assertEquals(
    Object.fromEntries(readStates(RECORDED)),
    {
      "1_8": { state: "pending", reason: "Resources" },
      "1_9": { state: "pending", reason: "" },
      "1_7": { state: "pending", reason: "BeginTime" },
      "1_0": { state: "ended", reason: "CANCELLED" },
      "1_1": { state: "running", reason: "COMPLETING" },
      "1_3": { state: "ended", reason: "TIMEOUT (TimeLimit)" },
      "1_4": { state: "running", reason: "" },
      "7": { state: "pending", reason: "PartitionTimeLimit" },
      "5": { state: "ended", reason: "COMPLETED" },
      "6": { state: "ended", reason: "FAILED (NonZeroExitCode)" },
    },
  );
});

Deno.test("readStates() takes jobs that will run again for pending", () => {
  for (const code of ["REQUEUED", "REQUEUE_HOLD", "CONFIGURING"]) {
    assertEquals(
      readStates(`3|${code}|None`).get("3"),
      { state: "pending", reason: code },
    );
  }
});

Deno.test("readStates() reads reasons that have any characters", () => {
  const reason = "ReqNodeNotAvail, UnavailableNodes:n[1-2] | soon";
  assertEquals(
    readStates(`3_1|PENDING|${reason}`).get("3_1"),
    { state: "pending", reason },
  );
});

Deno.test("readStates() skips lines that aren't about jobs", () => {
  assertEquals(readStates("CLUSTER: big\n\n3|\nslurm_load_jobs").size, 0);
});
