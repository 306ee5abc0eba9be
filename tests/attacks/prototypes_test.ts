import { assert, assertEquals, assertFalse } from "@std/assert";
import { Pool } from "../../mod.ts";

const TEXT =
  `{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}`;

Deno.test("Pool transfers __proto__ and constructor as own data", async () => {
  await using pool = new Pool(1);
  const { there, back } = await pool.run(
    (value: object, text: string) => ({
      there: {
        own: Object.keys(value),
        plain: Object.getPrototypeOf(value) === Object.prototype,
        polluted: "polluted" in {} || "polluted" in value,
        bound: JSON.stringify(value) === text,
      },
      back: JSON.parse(text),
    }),
    JSON.parse(TEXT),
    TEXT,
  );
  const own = ["__proto__", "constructor"];
  assertEquals(there, { own, plain: true, polluted: false, bound: true });
  assertEquals(Object.keys(back), own);
  assertEquals(Object.getPrototypeOf(back), Object.prototype);
  assertEquals(JSON.stringify(back), TEXT);
  assertFalse("polluted" in {});
  assertFalse("polluted" in back);
});

Deno.test("Pool transfers __proto__ of errors and in maps as own data", async () => {
  await using pool = new Pool(1);
  const thrown = await pool.run((text: string) => {
    const error = new Error("thrown", { cause: JSON.parse(text) });
    const descriptor = { value: { polluted: 1 }, enumerable: true };
    Object.defineProperty(error, "__proto__", descriptor);
    throw error;
  }, TEXT).catch((error: unknown) => error);
  assert(thrown instanceof Error);
  assertEquals(Object.keys(thrown), ["__proto__"]);
  assertFalse("polluted" in thrown);
  assertEquals(JSON.stringify(thrown.cause), TEXT);
  assertFalse("polluted" in {});
});
