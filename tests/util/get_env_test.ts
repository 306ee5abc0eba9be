import { assertEquals } from "@std/assert";
import { getEnv } from "../../src/util/get_env.ts";

const NAME = "DISTEX_TEST_GET_ENV";

Deno.test("getEnv() returns the variable when it is set and not empty", () => {
  assertEquals(getEnv(NAME), undefined);
  Deno.env.set(NAME, "value");
  assertEquals(getEnv(NAME), "value");
  Deno.env.set(NAME, "");
  assertEquals(getEnv(NAME), undefined);
  Deno.env.delete(NAME);
});

Deno.test({
  name: "getEnv() returns undefined when the program may not read the variable",
  permissions: { env: false },
  fn: () => assertEquals(getEnv("PATH"), undefined),
});
