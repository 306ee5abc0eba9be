import { assertEquals } from "@std/assert";
import { bundleFlags } from "../../src/bundle/bundle_flags.ts";

/** That of a program which may import from anywhere, as tests do. */
const ALLOWED = "--allow-import";

Deno.test("bundleFlags() picks what has to do with imports", () => {
  assertEquals(
    bundleFlags([
      "--v8-flags=--expose-gc",
      "--vendor",
      "--no-lock",
      "--unstable-raw-imports",
      "--node-modules-dir=none",
      "-A",
    ]),
    [
      ALLOWED,
      "--vendor",
      "--no-lock",
      "--unstable-raw-imports",
      "--node-modules-dir=none",
    ],
  );
});

Deno.test("bundleFlags() takes values that are arguments of their own", () => {
  assertEquals(
    bundleFlags(["--import-map", "a.json", "--cert=b.pem", "--seed", "1"]),
    [ALLOWED, "--import-map", "a.json", "--cert=b.pem"],
  );
  assertEquals(bundleFlags(["--cert"]), [ALLOWED, "--cert"]);
});

Deno.test("bundleFlags() leaves it to arguments from where to import", () => {
  for (const flag of ["--allow-import", "--allow-import=a.b", "-I=a.b"]) {
    assertEquals(bundleFlags([flag]), [flag]);
  }
});

Deno.test({
  name: "bundleFlags() allows no more imports than the program may make",
  permissions: { import: ["example.com"] },
  fn: () => assertEquals(bundleFlags(["--vendor"]), ["--vendor"]),
});
