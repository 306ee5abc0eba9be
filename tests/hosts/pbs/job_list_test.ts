import { assertEquals } from "@std/assert";
import { formatJobs, parentsOf } from "../../../src/hosts/pbs/job_list.ts";

const JOBS = ["12[1]", "12[3]", "9", "12[2]", "13[7]"];

Deno.test("formatJobs() joins consecutive jobs of an array of OpenPBS", () => {
  assertEquals(formatJobs("openpbs", JOBS), ["12[1-3]", "13[7]", "9"]);
});

Deno.test("formatJobs() returns the jobs of others as they are", () => {
  assertEquals(formatJobs("torque", JOBS), JOBS);
  assertEquals(formatJobs("slurm", ["1", "2"]), ["1", "2"]);
});

Deno.test("parentsOf() returns each array once", () => {
  assertEquals(parentsOf(JOBS), ["12[]", "9", "13[]"]);
});
