import { assertEquals } from "@std/assert";
import { importTasks, Pool } from "../../mod.ts";
import { sshTest } from "../helpers/ssh_server.ts";
import { testWith } from "../helpers/module_pools.ts";
import { configOf, makeProject } from "../helpers/module_fixture.ts";
import { SITE_KINDS, startSshSite } from "../helpers/module_sites.ts";
import { ModuleMessages, serveModules } from "../helpers/module_servers.ts";

/** A web module that imports another one. */
const WEB_MODULES = {
  "tasks.js": 'import { x } from "./x.js";\n' +
    "export const f = (y) => [x, y, import.meta.url];",
  "x.js": 'export const x = "from the web";',
};

function importNumber() {
  const url = "npm:is-number@7";
  return importTasks<{ default(x: unknown): boolean }>(url).default;
}

for (const scheme of ["http", "https"] as const) {
  sshTest(
    `Pool (ssh) lets workers import ${scheme} modules themselves`,
    async () => {
      using messages = new ModuleMessages();
      await using web = await serveModules(scheme, WEB_MODULES);
      await using project = await makeProject();
      await using site = await startSshSite(`${project.path}/elsewhere`);
      const url = `${web.origin}/tasks.js`;
      await using pool = new Pool({
        workers: 0,
        hosts: site.host(1),
        config: configOf(project),
        permissions: { import: [new URL(url).host] },
        denoArgs: web.denoArgs,
      });
      const { f } = importTasks<{ f(y: number): unknown }>(url);
      assertEquals(await pool.run(f, 1), ["from the web", 1, url]);
      assertEquals(messages.sent, []);
      assertEquals(web.asked, ["tasks.js", "x.js"]);
    },
  );

  sshTest(
    `Pool (ssh) sends ${scheme} modules with modules: "bundle"`,
    async () => {
      using messages = new ModuleMessages();
      await using project = await makeProject();
      await using site = await startSshSite(`${project.path}/elsewhere`);
      await using web = await serveModules(scheme, WEB_MODULES);
      await using pool = new Pool({
        workers: 0,
        hosts: site.host(2),
        config: configOf(project),
        permissions: "none",
        modules: "bundle",
        denoArgs: web.denoArgs,
      });
      const url = `${web.origin}/tasks.js`;
      const { f } = importTasks<{ f(y: number): unknown }>(url);
      const expected = ["from the web", 1, url];
      assertEquals(await pool.run(f, 1), expected);
      // The other worker gets the module although the server is down.
      await web.stop();
      assertEquals(await pool.runOnAll(f, 1), [expected, expected]);
      assertEquals(messages.sent, [url, url]);
    },
  );
}

sshTest("Pool (ssh) lets workers import npm modules themselves", async () => {
  using messages = new ModuleMessages();
  await using site = await startSshSite();
  await using pool = new Pool({ workers: 0, hosts: site.host(1) });
  const isNumber = importNumber();
  assertEquals(await pool.map(isNumber, ["5", "x"]).toArray(), [true, false]);
  assertEquals(messages.sent, []);
});

for (const kind of SITE_KINDS) {
  testWith(
    kind,
    'sends modules of registries with modules: "bundle"',
    () => ({ modules: "bundle", permissions: "none" }),
    async (pool) => {
      assertEquals(await pool.run(importNumber(), "5"), true);
      const { equals } = importTasks<{ equals(...xs: Uint8Array[]): boolean }>(
        "jsr:@std/bytes@^1.0.0/equals",
      );
      const [one, two] = [Uint8Array.of(1), Uint8Array.of(2)];
      assertEquals(await pool.run(equals, one, two), false);
    },
  );
}
