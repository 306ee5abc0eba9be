import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { SentModules } from "../../src/worker/sent_modules.ts";

const TASKS = "file:///tasks.ts";

/** A module that counts how often it is loaded. */
const CODE = "let count = 0; export const up = () => ++count;";

Deno.test("SentModules.get() loads code that was provided before", async () => {
  const modules = new SentModules();
  modules.provide(TASKS, "hash", "export const f = (x) => x + 1;");
  const { f } = await modules.get(TASKS) as { f(x: number): number };
  assertEquals(f(1), 2);
});

Deno.test("SentModules.get() waits for code that is provided later", async () => {
  const modules = new SentModules();
  const [first, second] = [modules.get(TASKS), modules.get(TASKS)];
  modules.provide("file:///other.ts", "other", "export default 1;");
  modules.provide(TASKS, "hash", "export const x = 7;");
  assertEquals({ ...await first }, { x: 7 });
  assertStrictEquals(await second, await first);
});

Deno.test("SentModules.provide() loads the same code once", async () => {
  const modules = new SentModules();
  for (const url of [TASKS, TASKS, "file:///same.ts"]) {
    modules.provide(url, "hash", CODE);
  }
  modules.provide("file:///other.ts", "other", `${CODE}//`);
  type Counter = { up(): number };
  const up = async (url: string) => (await modules.get(url) as Counter).up();
  assertEquals(await up(TASKS), 1);
  assertEquals(await up("file:///same.ts"), 2);
  assertEquals(await up(TASKS), 3);
  assertEquals(await up("file:///other.ts"), 1);
});

Deno.test("SentModules.get() rejects with the reason why there is no code", async () => {
  const modules = new SentModules();
  const early = modules.get(TASKS);
  modules.provide(TASKS, "", new RangeError("no such file"));
  const other = "file:///other.ts";
  modules.provide(other, "", new RangeError("another reason"));
  await assertRejects(() => early, RangeError, "no such file");
  await assertRejects(() => modules.get(TASKS), RangeError, "no such file");
  await assertRejects(() => modules.get(other), RangeError, "another reason");
});

Deno.test("SentModules.get() rejects each time with the error that the code throws", async () => {
  const modules = new SentModules();
  modules.provide(TASKS, "throws", "throw new RangeError('at the top');");
  modules.provide("file:///bad.ts", "bad", "export const = 1;");
  for (let count = 0; count < 2; count++) {
    await assertRejects(() => modules.get(TASKS), RangeError, "at the top");
    await assertRejects(() => modules.get("file:///bad.ts"), TypeError);
  }
});

Deno.test("SentModules.provide() causes no uncaught error if nobody waits", async () => {
  const modules = new SentModules();
  modules.provide(TASKS, "", new Error("no such file"));
  modules.provide("file:///throws.ts", "throws", "throw 1;");
  await modules.get("file:///throws.ts").catch(() => {});
});

Deno.test("SentModules loads code without permissions", async () => {
  const module = import.meta.resolve("../../src/worker/sent_modules.ts");
  const program = `
    import { SentModules } from ${JSON.stringify(module)};
    const modules = new SentModules();
    modules.provide("file:///tasks.ts", "hash", "export const x = 7;");
    console.log((await modules.get("file:///tasks.ts")).x);`;
  const url = `data:text/javascript,${encodeURIComponent(program)}`;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-config", "--no-prompt", url],
  }).output();
  assertEquals(
    new TextDecoder().decode(stdout),
    "7\n",
    new TextDecoder().decode(stderr),
  );
});
