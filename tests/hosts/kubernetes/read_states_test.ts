import { assertEquals } from "@std/assert";
import {
  type Pod,
  stateOfPod,
  stateWithoutPod,
} from "../../../src/hosts/kubernetes/read_states.ts";

Deno.test("stateOfPod() gives the reason in Kubernetes' own words", () => {
  const unschedulable = {
    type: "PodScheduled",
    status: "False",
    reason: "Unschedulable",
    message: "0/3 nodes are available: 3 Insufficient cpu.",
  };
  const preempted = {
    type: "DisruptionTarget",
    status: "True",
    reason: "PreemptionByScheduler",
    message: "preempting to accommodate a higher priority pod",
  };
  const cases: [Pod["status"] & object, string, string][] = [
    [{}, "pending", ""],
    [{ phase: "Pending" }, "pending", ""],
    [
      { phase: "Pending", conditions: [unschedulable] },
      "pending",
      "Unschedulable: 0/3 nodes are available: 3 Insufficient cpu.",
    ],
    [
      {
        phase: "Pending",
        conditions: [{ type: "PodScheduled", status: "True" }],
        containerStatuses: [{
          state: {
            waiting: {
              reason: "ImagePullBackOff",
              message: 'Back-off pulling image "x"',
            },
          },
        }],
      },
      "pending",
      'ImagePullBackOff: Back-off pulling image "x"',
    ],
    [{ phase: "Running" }, "running", ""],
    [
      {
        phase: "Succeeded",
        containerStatuses: [{
          state: { terminated: { reason: "Completed", exitCode: 0 } },
        }],
      },
      "ended",
      "Completed",
    ],
    [
      {
        phase: "Failed",
        containerStatuses: [{
          state: { terminated: { reason: "OOMKilled", exitCode: 137 } },
        }],
      },
      "ended",
      "OOMKilled: exit code 137",
    ],
    [
      {
        phase: "Failed",
        reason: "Evicted",
        message: "The node was low on resource: memory.",
      },
      "ended",
      "Evicted: The node was low on resource: memory.",
    ],
    [
      { phase: "Failed", conditions: [preempted] },
      "ended",
      "PreemptionByScheduler: preempting to accommodate a higher priority pod",
    ],
  ];
  for (const [status, state, reason] of cases) {
    assertEquals(stateOfPod({ metadata: { name: "x" }, status }), {
      state,
      reason,
    });
  }
});

Deno.test("stateWithoutPod() is pending until the Job counts its index", () => {
  const job = (status: object) => ({ metadata: { name: "x" }, status });
  const quota = "FailedCreate: exceeded quota";
  assertEquals(stateWithoutPod(job({}), 4, quota), {
    state: "pending",
    reason: quota,
  });
  const lists = job({ completedIndexes: "0,2-4", failedIndexes: "6" });
  for (const [index, state] of [[4, "ended"], [5, "pending"], [6, "ended"]]) {
    assertEquals(stateWithoutPod(lists, index as number, "").state, state);
  }
  const failed = {
    type: "Failed",
    status: "True",
    reason: "DeadlineExceeded",
    message: "Job was active longer than specified deadline",
  };
  assertEquals(stateWithoutPod(job({ conditions: [failed] }), 5, quota), {
    state: "ended",
    reason: "DeadlineExceeded: Job was active longer than specified deadline",
  });
});
