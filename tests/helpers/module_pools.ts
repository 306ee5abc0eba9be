/**
 * Pools with remote workers, for tests of task modules.
 *
 * @module
 */

import { importTasks, Pool, type PoolOptions, type Task } from "../../mod.ts";
import type { Project } from "./bundle_fixture.ts";
import { configOf, makeProject } from "./module_fixture.ts";
import type { SiteKind } from "./module_sites.ts";

/** Declares a test with a project, and a pool with a worker at a site. */
export function testWith(
  { name: kind, declare, start }: SiteKind,
  name: string,
  options: (project: Project) => PoolOptions,
  body: (pool: Pool, project: Project) => Promise<void>,
): void {
  declare(`Pool (${kind}) ${name}`, async () => {
    await using project = await makeProject();
    await using site = await start();
    await using pool = new Pool({
      workers: 0,
      hosts: site.host(1),
      config: configOf(project),
      ...options(project),
    });
    await body(pool, project);
  });
}

/** Returns the export `f` of a module as a task. */
export function importF(url: string): Task<[x?: unknown], unknown> {
  return importTasks<{ f(x?: unknown): unknown }>(url).f;
}
