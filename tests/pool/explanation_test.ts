import { assertEquals } from "@std/assert";
import { Placement } from "../../src/calls/placement.ts";
import {
  explainCall,
  explainPool,
  type PoolFacts,
} from "../../src/pool/explanation.ts";
import type { HostSituation } from "../../src/pool/host_situation.ts";
import type {
  CallSituation,
  WaitReason,
} from "../../src/scheduling/call_situation.ts";
import type { WorkerActivity } from "../../src/scheduling/worker_activity.ts";

const host = "far";

/** A worker that has run one task for a while. */
const BUSY: WorkerActivity = {
  worker: "far worker 1",
  state: "running",
  task: "slow",
  isCancelled: false,
  tasks: 1,
  concurrency: 1,
  silence: 12_345,
};

const PLACEMENT = Placement.of({ resources: { gpu: 2 } })!;

/** A pool with these hosts. */
function poolOf(...situations: HostSituation[]): PoolFacts {
  return { phase: { code: "running" }, hosts: () => situations };
}

/** Explains a call that waits. */
function explainWait(
  reason: WaitReason,
  ...hosts: HostSituation[]
): string {
  const situation: CallSituation = {
    code: "waiting",
    reason,
    before: 0,
    isIsolated: false,
  };
  return explainCall("f", situation, poolOf(...hosts));
}

Deno.test("explainCall() describes what each kind of worker does", () => {
  for (
    const [changes, text] of [
      [{}, "far worker 1 has run 'slow' for 12 s"],
      [
        { isCancelled: true, state: "overdue" },
        "far worker 1 has run 'slow', which was cancelled, for 12 s, and is about to be replaced",
      ],
      [{ state: "sending" }, "far worker 1 is sending a large result"],
      [
        { state: "leaving" },
        "far worker 1 has run 'slow' for 12 s, and gets no more tasks",
      ],
      [
        { state: "kept" },
        "far worker 1, kept for a task that has waited longer, has run 'slow' for 12 s",
      ],
      [
        { state: "isolated" },
        "far worker 1 has run 'slow' for 12 s, alone after a loss",
      ],
      [
        { concurrency: 4, tasks: 9 },
        "far worker 1 runs 'slow' and 3 others, and has answered nothing for 12 s",
      ],
      [{ task: undefined, tasks: 0 }, "far worker 1 is free"],
    ] as const
  ) {
    const activity = { ...BUSY, ...changes };
    assertEquals(
      explainWait({ code: "busy", placement: undefined, workers: [activity] }),
      `The task 'f' waits for a worker: the only worker is busy (${text}).`,
    );
  }
});

Deno.test("explainCall() lists those workers first that are busy for the longest", () => {
  const workers = [1, 2, 3, 4, 5].map((index) => ({
    ...BUSY,
    worker: `w${index}`,
    silence: index * 60_000,
  }));
  assertEquals(
    explainWait({ code: "busy", placement: PLACEMENT, workers }),
    "The task 'f' waits for a worker: all 5 workers where it may run are busy (w5 has run 'slow' for 5 min, w4 has run 'slow' for 4 min, w3 has run 'slow' for 3 min and 2 more).",
  );
});

Deno.test("explainCall() says why a host has no workers", () => {
  const reason = "ssh said:\n  closed";
  const situations: [HostSituation, string][] = [
    [
      { code: "lost", host, reason, time: 7_200_000, left: 250 },
      "the host far was lost 2 h ago and is tried again in 250 ms (ssh said: closed)",
    ],
    [
      { code: "lost", host, reason, time: 1_000, left: undefined },
      "the host far was lost 1 s ago and is being connected to again (ssh said: closed)",
    ],
    [
      { code: "connecting", host, time: 3_000 },
      "the pool has been connecting to the host far for 3 s",
    ],
    [
      { code: "starting", host, workers: 2, time: 3_000 },
      "2 workers have been starting on the host far for 3 s",
    ],
    [
      { code: "joining", host, workers: 1 },
      "1 worker has connected from the host far, and isn't initialized yet",
    ],
    [
      { code: "ready", host, workers: 2 },
      "2 workers are ready on the host far, and take over when another has ended",
    ],
    [
      { code: "replacing", host, left: 5_000 },
      "the host far replaces a lost worker in 5 s",
    ],
    [
      { code: "queued", host, jobs: 1, reason: "Resources" },
      "1 job waits in the queue of the host far (Resources)",
    ],
    [
      { code: "queued", host, jobs: 3, reason: "" },
      "3 jobs wait in the queue of the host far",
    ],
    [
      { code: "jobs", host, jobs: 2, time: 150_000 },
      "2 jobs have run for the host far for 2 min without connecting",
    ],
    [{ code: "awaited", host }, "no worker has joined yet"],
    [
      { code: "failed", host, reason: "refused" },
      "the host far isn't in use (refused)",
    ],
  ];
  const noWorker: WaitReason = {
    code: "noWorker",
    placement: undefined,
    available: "no worker",
  };
  for (const [situation, text] of situations) {
    assertEquals(
      explainWait(noWorker, situation),
      `The task 'f' waits for a worker: ${text}.`,
    );
  }
  assertEquals(
    explainWait(noWorker),
    "The task 'f' waits for a worker: the pool has none.",
  );
});

Deno.test("explainCall() says that further workers start", () => {
  assertEquals(
    explainWait(
      { code: "busy", placement: undefined, workers: [BUSY] },
      { code: "starting", host, workers: 1, time: 10 },
    ),
    "The task 'f' waits for a worker: the only worker is busy (far worker 1 has run 'slow' for 12 s); 1 worker has been starting on the host far for 10 ms.",
  );
});

Deno.test("explainCall() says that arguments are being sent, or values unread", () => {
  const worker = "far worker 1";
  assertEquals(
    explainCall("f", { code: "leaving", worker, bytes: 12e6 }, poolOf()),
    "The task 'f' is on its way to far worker 1: its arguments (12.0 MB) are being sent.",
  );
  assertEquals(
    explainCall("f", { code: "unread", worker }, poolOf()),
    "The task 'f' has begun on far worker 1, and waits until the values that it yields are read.",
  );
  assertEquals(
    explainCall("f", { code: "lost" }, poolOf()),
    "The task 'f' waits: its worker was just lost.",
  );
  assertEquals(
    explainWait({ code: "next" }),
    "The task 'f' waits for a worker: one is free, and gets it at once.",
  );
});

Deno.test("explainPool() has a line for each reason", () => {
  const busy: WaitReason = {
    code: "busy",
    placement: undefined,
    workers: [BUSY],
  };
  const waiting = {
    code: "waiting",
    reason: busy,
    placement: undefined,
    tasks: 3,
    hasMore: true,
    isIsolated: false,
  } as const;
  const barrier = {
    task: "warm",
    isRunning: false,
    queued: 3,
    workers: [BUSY],
  };
  const list = "(far worker 1 has run 'slow' for 12 s)";
  assertEquals(
    explainPool(
      [
        { ...waiting, tasks: 1, hasMore: false, isIsolated: true },
        waiting,
        { ...waiting, tasks: 0 },
        { code: "barrier", barrier, reason: undefined, tasks: 2 },
        { code: "delayed", tasks: 1, left: 900 },
        { code: "delayed", tasks: 2, left: 60_000 },
        { code: "map", task: "f", waitsFor: "reader" },
      ],
      [BUSY],
      poolOf(),
    ).split("\n"),
    [
      `1 task waits for a worker, as the worker was lost and it runs again alone: the only worker is busy ${list}.`,
      `3 tasks and more wait for a worker: the only worker is busy ${list}.`,
      `More tasks wait for a worker: the only worker is busy ${list}.`,
      `runOnAll() of 'warm' begins once all earlier tasks have ended: 3 tasks wait ${list}, and 2 tasks wait behind it.`,
      "1 task threw, and runs again in 900 ms.",
      "2 tasks threw, and run again, the first in 60 s.",
      "A map of the task 'f' waits until more of its results are read.",
    ],
  );
});
