import { assertEquals } from "@std/assert";
import { formatTasks } from "../../../src/hosts/slurm/array_tasks.ts";

Deno.test("formatTasks() joins the tasks of an array", () => {
  assertEquals(formatTasks([]), []);
  assertEquals(formatTasks(["7", "7"]), ["7"]);
  assertEquals(formatTasks(["7_4"]), ["7_[4]"]);
  assertEquals(
    formatTasks(["7_3", "8_0", "7_1", "7_10", "7_2", "7_2"]),
    ["7_[1-3,10]", "8_[0]"],
  );
});
