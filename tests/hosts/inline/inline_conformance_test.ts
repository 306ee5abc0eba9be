import { assertEquals } from "@std/assert";
import { testConformance } from "../../conformance/conformance.ts";
import type { Need } from "../../conformance/conformance_fixture.ts";

const lacks: readonly Need[] = ["processes", "several workers"];

const leftOut = testConformance({
  name: "inline",
  options: () => ({ workers: "inline" }),
  workers: 1,
  lacks,
});
testConformance({
  name: "inline, structured",
  options: () => ({ workers: "inline", codec: "structured" }),
  workers: 1,
  lacks,
});

Deno.test("testConformance() leaves out only tests that end workers or need several", () => {
  assertEquals(leftOut.toSorted(), [
    "answers everything else when an item uses too much memory",
    "closes arguments when their worker is killed",
    "ends a task that blocks its worker for too long",
    "ends a task that runs too long",
    "explains that a task runs again alone after a loss",
    "replaces workers that have run 'maxTasksPerWorker' tasks",
    "runs a call again whose argument wasn't read",
    "runs a stream again whose worker was lost before its first value",
    "runs items of a map again that have yielded nothing",
    "runs no call again that was sent messages",
    "runs no call again whose argument was read",
    "runs no stream again whose values have arrived",
    "throws a WorkerLostError after the values of a killed worker",
    "throws a WorkerLostError after values when a map's worker exits",
    "throws a WorkerLostError when a reader that stopped reads on",
    "yields results as they are ready without order",
  ]);
});
