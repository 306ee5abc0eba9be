import { assertEquals } from "@std/assert";
import { explainFailure } from "../../src/bundle/explain_failure.ts";

const URL = "file:///home/me/tasks.ts";

/** Returns the lines of the message for an output of `deno bundle`. */
function explain(stderr: string): string[] {
  return explainFailure(URL, stderr).message.split("\n");
}

Deno.test("explainFailure() keeps causes and removes backtraces", () => {
  const [first, , ...causes] = explain(`\
error: failed to download esbuild package tarball @esbuild/linux-x64@0.25.5

Caused by:
    0: Failed caching npm package '@esbuild/linux-x64@0.25.5'
    1: failed to create directory '/deno/npm': No such file or directory (os error 2)

Stack backtrace:
   0: <unknown>
   1: start
`);
  assertEquals(
    first,
    `Can't bundle ${URL} for a remote worker: failed to download esbuild package tarball @esbuild/linux-x64@0.25.5`,
  );
  assertEquals(causes.slice(0, 2), [
    "    0: Failed caching npm package '@esbuild/linux-x64@0.25.5'",
    "    1: failed to create directory '/deno/npm': No such file or directory (os error 2)",
  ]);
});

Deno.test("explainFailure() distinguishes an unwritable cache from an unreachable registry", () => {
  const head =
    'error: Failed loading https://x/@esbuild%2fa for package "@esbuild/a"';
  const wayOut = (cause: string) =>
    explain(`${head}\n\nCaused by:\n    ${cause}\n`).at(-1)!;
  for (
    const cause of [
      "Not a directory (os error 20)",
      "No space left on device (os error 28)",
    ]
  ) {
    assertEquals(wayOut(cause).match(/DENO_DIR|REGISTRY/)?.[0], "DENO_DIR");
  }
  assertEquals(
    wayOut("tcp connect error: Connection refused (os error 111)")
      .match(/DENO_DIR|REGISTRY/)?.[0],
    "REGISTRY",
  );
});

Deno.test("explainFailure() reports a failure without a reason", () => {
  assertEquals(
    explain("error: bundling failed\n\nStack backtrace:\n   0: x\n"),
    [
      `Can't bundle ${URL} for a remote worker: deno bundle failed`,
    ],
  );
});
