import { assertEquals } from "@std/assert";
import { TaskDurations } from "../../src/scheduling/task_durations.ts";
import { TaskRegistry } from "../../src/tasks/task_registry.ts";

const registry = new TaskRegistry(() => {});
const task = registry.register((x: number) => x);
const other = registry.register((x: number) => x + 1);

Deno.test("TaskDurations.of() returns the least average duration of a task's calls", () => {
  const durations = new TaskDurations();
  assertEquals(durations.of(task), 0);
  durations.add(task, 10, 50);
  durations.add(task, 10, 70);
  durations.add(other, 1, 3);
  durations.add(task, 10, 50);
  assertEquals([durations.of(task), durations.of(other)], [5, 3]);
});

Deno.test("TaskDurations.of() at most doubles with each message", () => {
  const durations = new TaskDurations();
  durations.add(task, 1, 5);
  durations.add(task, 1, 2_000);
  assertEquals(durations.of(task), 10);
  durations.add(task, 1, 2_000);
  durations.add(task, 1, 12);
  assertEquals(durations.of(task), 12);
});

Deno.test("TaskDurations.of() isn't 0 if calls took no measurable time", () => {
  const durations = new TaskDurations();
  durations.add(task, 10, 0);
  assertEquals(durations.of(task), 0.05);
});
