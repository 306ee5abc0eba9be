import { yieldToEvents } from "../../src/util/timers.ts";

Deno.test("yieldToEvents() resolves when a task has replaced the timers", async () => {
  const { setImmediate, setTimeout } = globalThis;
  try {
    Object.assign(globalThis, { setImmediate: null, setTimeout: null });
    await yieldToEvents();
  } finally {
    Object.assign(globalThis, { setImmediate, setTimeout });
  }
});
