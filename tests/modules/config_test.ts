import { assertEquals } from "@std/assert";
import { relative } from "node:path";
import { Pool, type PoolOptions } from "../../mod.ts";
import { importF } from "../helpers/module_pools.ts";
import { configOf, makeProject } from "../helpers/module_fixture.ts";

/** A task module that loads only with the project's configuration. */
const TEXT = 'import { shout } from "words"; export const f = shout;';

/** Runs a task of a project in a pool with some options. */
async function run(
  options: (config: string) => PoolOptions,
): Promise<unknown> {
  await using project = await makeProject({ "words_tasks.ts": TEXT });
  await using pool = new Pool({ workers: 1, ...options(configOf(project)) });
  return await pool.run(importF(project.url("words_tasks.ts")), "a");
}

Deno.test("Pool resolves imports by its config when workers start in another folder", async () => {
  const cwd = Deno.realPathSync("/");
  const config = (path: string) => relative(Deno.cwd(), path);
  assertEquals(await run((path) => ({ config: config(path), cwd })), "A!");
});
