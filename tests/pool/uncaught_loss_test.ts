import { assert, assertEquals, assertFalse } from "@std/assert";

const PROGRAM = new URL("../programs/uncaught_loss.ts", import.meta.url).href;

for (const method of ["run", "submit", "map", "all"]) {
  Deno.test(`WorkerLostError that is uncaught shows the line of the ${method} call`, async () => {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", PROGRAM, method],
    }).output();
    const text = new TextDecoder().decode(stderr);
    assertEquals(code, 1);
    assert(text.includes("Deno.exit(code)' returned"), text);
    assert(text.includes("callTask"), text);
    assert(text.includes("uncaught_loss.ts:"), text);
    assertFalse(text.includes("/src/scheduling/"), text);
  });
}
