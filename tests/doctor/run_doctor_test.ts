import { assertEquals, assertStringIncludes } from "@std/assert";
import { runDoctor } from "../helpers/doctor_fixture.ts";

Deno.test("doctor --help prints its usage", async () => {
  const { code, stdout, stderr } = await runDoctor("--help");
  assertEquals([code, stderr], [0, ""]);
  assertStringIncludes(stdout, "Usage: deno run -A jsr:@distex/pool/doctor");
  assertStringIncludes(stdout, "--token-file <file>");
});

for (
  const [what, args, expected] of [
    ["no arguments", [], "No host was given"],
    ["a bad spec", ["maxi:port/2"], "its port is"],
    ["an unknown flag", ["mini/2", "--fast"], "no option '--fast'"],
  ] as const
) {
  Deno.test(`doctor exits with 2 for ${what}`, async () => {
    for (const json of [[], ["--json"]]) {
      const { code, stdout, stderr } = await runDoctor(...args, ...json);
      assertEquals([code, stdout], [2, ""]);
      assertStringIncludes(stderr, expected);
      assertStringIncludes(stderr, "--help");
    }
  });
}
