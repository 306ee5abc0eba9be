import { assertEquals } from "@std/assert";
import { bundleFlags } from "../../src/bundle/bundle_flags.ts";

/** The flag for a program that may import from anywhere, as tests may. */
const ALLOWED = "--allow-import";

Deno.test("bundleFlags() picks the flags that affect imports", () => {
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

Deno.test("bundleFlags() picks flags whose value is the next argument", () => {
  assertEquals(
    bundleFlags(["--import-map", "a.json", "--cert=b.pem", "--seed", "1"]),
    [ALLOWED, "--import-map", "a.json", "--cert=b.pem"],
  );
  assertEquals(bundleFlags(["--cert"]), [ALLOWED, "--cert"]);
});

Deno.test("bundleFlags() adds no --allow-import when the arguments have it", () => {
  for (const flag of ["--allow-import", "--allow-import=a.b", "-I=a.b"]) {
    assertEquals(bundleFlags([flag]), [flag]);
  }
});

Deno.test({
  name: "bundleFlags() adds no --allow-import when the program is restricted",
  permissions: { import: ["example.com"] },
  fn: () => assertEquals(bundleFlags(["--vendor"]), ["--vendor"]),
});
