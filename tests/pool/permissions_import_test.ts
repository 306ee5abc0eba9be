import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { importTasks, Pool } from "../../mod.ts";
import { makeCertificate } from "../../src/transport/certificate.ts";
import { CERTIFICATE_NAME } from "../../src/transport/connect.ts";
import { startSpawnerServer, TOKEN } from "../helpers/spawner_server.ts";

const LIST = { import: ["example.org"] };

const add = (x: number) => x + 1;

Deno.test("Pool with a list of imports can load its workers from another host", async () => {
  await using server = await startSpawnerServer();
  await using pool = new Pool({
    workers: 1,
    hosts: server.spec(1),
    permissions: LIST,
  });
  assertEquals(await pool.runOnAll(add, 1), [2, 2]);
});

Deno.test("Pool with a list of imports refuses imports from other hosts", async () => {
  await using pool = new Pool({ workers: 1, permissions: LIST });
  const load = (url: string) => import(url);
  await assertRejects(
    () => pool.run(load, "https://esm.sh/not-there"),
    TypeError,
    'Requires import access to "esm.sh:443"',
  );
});

Deno.test("Pool with permissions 'none' starts workers on a server with TLS", async () => {
  const certificate = await makeCertificate();
  await using server = await startSpawnerServer({ token: TOKEN, certificate });
  const tls = { caCerts: [certificate.cert], serverName: CERTIFICATE_NAME };
  await using pool = new Pool({
    workers: 0,
    hosts: { host: server.spec(1), token: TOKEN, tls },
    permissions: "none",
  });
  assertEquals(await pool.run(add, 1), 2);
});

Deno.test("Pool explains how to allow the download of a task module", async () => {
  await using pool = new Pool({ workers: 1, permissions: "none" });
  for (const url of ["https://esm.sh/not-there", "npm:@not-there/at-all"]) {
    const { f } = importTasks<{ f(): void }>(url);
    const { message } = await assertRejects(() => pool.run(f), TypeError);
    assertStringIncludes(message, "--cached-only is specified");
    assertStringIncludes(message, "grant 'import'");
    assertStringIncludes(message, 'modules: "bundle"');
  }
});
