/**
 * Pools at other machines, for tests of modules.
 *
 * @module
 */

import { importTasks, Pool, type PoolOptions, type Task } from "../../mod.ts";
import type { Project } from "./bundle_fixture.ts";
import { configOf, makeProject } from "./module_project.ts";
import type { SiteKind } from "./module_sites.ts";

/** Declares a test of a pool with a worker at a site, and of a project. */
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

/** A task of a module: its export `f`. */
export function importF(url: string): Task<[x?: unknown], unknown> {
  return importTasks<{ f(x?: unknown): unknown }>(url).f;
}
