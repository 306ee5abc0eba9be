import { assertEquals } from "@std/assert";
import { formatTasks } from "../../../src/hosts/sge/task_list.ts";

Deno.test("formatTasks() joins consecutive tasks of a job", () => {
  assertEquals(
    formatTasks(["12.3", "12.10", "7.1", "12.1", "12.2", "12.11"]),
    ["12.1-3", "12.10-11", "7.1"],
  );
  assertEquals(formatTasks([]), []);
});
