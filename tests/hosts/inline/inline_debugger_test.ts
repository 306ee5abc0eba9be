import { assertEquals } from "@std/assert";
import { DebuggedProgram } from "../../helpers/debugged_program.ts";

Deno.test("Pool with workers 'inline' stops at a breakpoint of the program's own debugger", async () => {
  await using program = await DebuggedProgram.start(
    { workers: "inline" },
    { denoArgs: ["--inspect-wait=127.0.0.1:0"] },
  );
  const client = await program.connect();
  const pause = await client.pauseAt("return result.y;");
  assertEquals([pause.functionName, pause.isAtText], ["square", true]);
  assertEquals(await pause.evaluate("x + result.y"), 7 + 49);
  await pause.evaluate("result.y = 64");
  await client.resume();
  await client[Symbol.asyncDispose]();
  const { code, stdout } = await program.ended();
  assertEquals([code, stdout], [0, "64\n"]);
});
