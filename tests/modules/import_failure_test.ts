import { assertRejects, assertStringIncludes } from "@std/assert";
import { Pool, type PoolOptions } from "../../mod.ts";
import { Project } from "../helpers/bundle_fixture.ts";
import { importF } from "../helpers/module_pools.ts";

/** Tests the message when a local worker can't import a module. */
function testFailure(
  name: string,
  text: string,
  options: PoolOptions,
  ...expected: string[]
): void {
  Deno.test(`Pool names ${name}`, async () => {
    await using project = await Project.with({ "tasks.ts": text });
    await using pool = new Pool({ workers: 1, ...options });
    const { message } = await assertRejects(
      () => pool.run(importF(project.url("tasks.ts"))),
      TypeError,
    );
    for (const part of expected) assertStringIncludes(message, part);
  });
}

testFailure(
  "the permission that a worker needs to read a task module",
  "export const f = () => 1;",
  { permissions: { read: ["."] } },
  "Requires read access to",
  "grant 'read' in the option 'permissions'",
);

testFailure(
  "the permission that a worker needs to import from a site",
  'import "http://127.0.0.1:9/none.js"; export const f = () => 1;',
  { permissions: { read: true, import: ["example.com"] } },
  'Requires import access to "127.0.0.1:9"',
  "grant 'import' in the option 'permissions'",
);

testFailure(
  "the options that help a worker to resolve a bare specifier",
  'import "bare"; export const f = () => 1;',
  {},
  'Import "bare" not a dependency',
  "the option 'config'",
  "--import-map",
);
