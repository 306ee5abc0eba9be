import { assertEquals, assertNotEquals } from "@std/assert";
import { trial } from "./trial.ts";

/** How many trials there are. For more: `deno run -A tests/trial/main.ts`. */
const COUNT = 200;

Deno.test("Scheduler keeps its promises in random trials", async () => {
  for (let seed = 1; seed <= COUNT; seed++) await trial(seed);
});

Deno.test("trial() does the same for the same seed", async () => {
  assertEquals(await trial(7), await trial(7));
  assertNotEquals(await trial(7), await trial(8));
});
