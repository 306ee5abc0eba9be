import { decode } from "@jridgewell/sourcemap-codec";
import { assertEquals } from "@std/assert";
import type { PoolOptions } from "../../mod.ts";
import { DebuggedProgram } from "../helpers/debugged_program.ts";

const PROGRAM = import.meta.resolve("../programs/debugged_function.ts");

/** Text on the line of the breakpoint. */
const TEXT = "return square.y;";

/**
 * Returns the line of a script, from 0, that a debugger takes for the line of a
 * file that has a text, as the script's source map has it.
 */
function scriptLine(sourceMapURL: string): number | undefined {
  const [, base64] = sourceMapURL.split("base64,");
  const json = new TextDecoder().decode(Uint8Array.fromBase64(base64!));
  const [{ offset, map }] = JSON.parse(json).sections;
  assertEquals(map.sources, [PROGRAM]);
  const text = Deno.readTextFileSync(new URL(PROGRAM));
  assertEquals(map.sourcesContent, [text]);
  const wanted = text.split("\n").findIndex((line) => line.includes(TEXT));
  const lines = decode(map.mappings);
  const line = lines.findIndex((segments) =>
    segments.some((segment) => segment[2] === wanted)
  );
  return offset.line + line;
}

const kinds: [name: string, options: PoolOptions, denoArgs: string[]][] = [
  ["inspect", { workers: 1, inspect: "wait" }, []],
  ["workers 'inline'", { workers: "inline" }, ["--inspect-wait=127.0.0.1:0"]],
];

for (const [name, options, denoArgs] of kinds) {
  Deno.test(`Pool with ${name} maps an inline task to the line of its file`, async () => {
    const how = { program: PROGRAM, denoArgs };
    await using program = await DebuggedProgram.start(options, how);
    const client = await program.connect();
    const parsed = client.event(
      "Debugger.scriptParsed",
      ({ url }) => url.startsWith("task:"),
    );
    const pause = await client.pauseAt(TEXT, "task:");
    assertEquals(scriptLine((await parsed).sourceMapURL), pause.line);
    await pause.evaluate("square.y = 64");
    await client.resume();
    await client[Symbol.asyncDispose]();
    const { code, stdout } = await program.ended();
    assertEquals([code, stdout], [0, "64\n"]);
  });
}
