import { assertEquals, assertRejects } from "@std/assert";
import { Pool } from "../../mod.ts";

/** Blocks whatever runs it, in milliseconds. */
function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

Deno.test("Pool without retries runs no task twice when it ends the worker of another one", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await using pool = new Pool({ workers: 1, qsize: 2, cancelGrace: 100 });
    await pool.ready;
    const hasty = pool.options({ timeout: 100 });
    const slow = assertRejects(() => hasty.run(block, 300), DOMException);
    const note = async (path: string) => {
      await Deno.writeTextFile(path, "once", { append: true });
      const end = performance.now() + 600;
      while (performance.now() < end);
    };
    // It begins while this program doesn't read that the other has returned.
    const noted = Promise.allSettled([pool.run(note, `${folder}/note`)]);
    await new Promise((resolve) => setTimeout(resolve, 150));
    block(350);
    await slow;
    await noted;
    await pool.shutdown();
    assertEquals(await Deno.readTextFile(`${folder}/note`), "once");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
