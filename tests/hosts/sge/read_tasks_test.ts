import { assertEquals } from "@std/assert";
import { readTasks } from "../../../src/hosts/sge/read_tasks.ts";

/** Recorded output of Grid Engine 8.1.9, without elements that aren't read. */
function output(tasks: readonly [string, string, string][]): string {
  const lists = tasks.map(([job, state, task]) =>
    `    <job_list state="${state.includes("q") ? "pending" : "running"}">
      <JB_job_number>${job}</JB_job_number>
      <JAT_prio>0.50000</JAT_prio>
      <JB_name>distex</JB_name>
      <JB_owner>me</JB_owner>
      <state>${state}</state>
      <queue_name></queue_name>
      <slots>1</slots>
      <tasks>${task}</tasks>
    </job_list>`
  );
  return `<?xml version='1.0'?>
<job_info  xmlns:xsd="http://arc.liv.ac.uk/repos/darcs/sge/source/dist/util/resources/schemas/qstat/qstat.xsd">
  <queue_info>
${lists.join("\n")}
  </queue_info>
  <job_info>
  </job_info>
</job_info>`;
}

Deno.test("readTasks() tells tasks that wait from those that don't", () => {
  const states = ["r", "t", "Rr", "dr", "S", "qw", "hqw", "Rq", "hRwq", "Eqw"];
  const tasks = readTasks(
    output(states.map((state, index) => ["12", state, `${index + 1}`])),
  );
  const pending = [...tasks.values()].map(({ isPending }) => isPending);
  assertEquals([...tasks.keys()].at(-1), "12.10");
  assertEquals(pending, states.map((state) => state.includes("q")));
  assertEquals(
    [...tasks].filter(([, { hasFailed }]) => hasFailed).map(([id]) => id),
    ["12.10"],
  );
  assertEquals(
    [...tasks].filter(([, { isDeleted }]) => isDeleted).map(([id]) => id),
    ["12.4"],
  );
});

Deno.test("readTasks() ignores jobs that have no tasks", () => {
  const text = output([["7", "r", "1"], ["8", "r", "3"]])
    .replace("<tasks>1</tasks>", "");
  assertEquals([...readTasks(text).keys()], ["8.3"]);
  assertEquals(readTasks("").size, 0);
});
