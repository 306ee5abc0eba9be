import { assertEquals, assertRejects } from "@std/assert";
import { importTasks, Pool } from "../../mod.ts";
import { Gate } from "../helpers/gate.ts";

for (const chunkSize of [1, 2]) {
  Deno.test(`Pool aborts calls when their module never loads (chunkSize: ${chunkSize})`, async () => {
    await using gate = new Gate();
    const url = new URL("../programs/hanging_module.ts", import.meta.url);
    url.searchParams.set("port", String(gate.port));
    const hanging = importTasks<typeof import("../programs/hanging_module.ts")>(
      url,
    );
    await using pool = new Pool(1);
    const controller = new AbortController();
    const { signal } = controller;
    const results = pool.map(hanging.name, [[], []], {
      spread: true,
      chunkSize,
      signal,
    });
    const result = results.next();
    const call = pool.with({ signal }).run(hanging.name);
    await gate.entered();
    const other = pool.run(() => "another task");
    controller.abort(new RangeError("enough"));
    await assertRejects(() => result, RangeError, "enough");
    await assertRejects(() => call, RangeError, "enough");
    assertEquals(await other, "another task");
  });
}
