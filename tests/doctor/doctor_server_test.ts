import {
  assert,
  assertEquals,
  assertGreater,
  assertStringIncludes,
} from "@std/assert";
import { withFile } from "../helpers/files.ts";
import { makeCertificate } from "../../src/transport/certificate.ts";
import { CERTIFICATE_NAME } from "../../src/transport/connect.ts";
import {
  type SpawnerServerProcess,
  startSpawnerServer,
  TOKEN,
} from "../helpers/spawner_server.ts";
import { runDoctor, runDoctorJson } from "../helpers/doctor_fixture.ts";

const STEPS = [
  "name",
  "connection",
  "key",
  "deno",
  "workers",
  "round trip",
  "throughput",
  "clock",
  "machine",
];

/** No server listens on this port, which only privileged programs can use. */
const NOBODY = "127.0.0.1:1/1";

/** Waits until the server has stopped all workers of its only pool. */
async function assertNothingLeft(server: SpawnerServerProcess): Promise<void> {
  await server.logged(/pool 1 .* is gone/);
}

/** Checks a host where a step must fail; returns its detail and hint. */
async function failingStep(
  name: string,
  ...args: string[]
): Promise<{ detail: string; hint: string }> {
  const { code, ok, hosts } = await runDoctorJson(...args);
  const { steps, ...report } = hosts[0]!;
  assertEquals([code, ok, report.ok], [1, false, false]);
  const index = steps.findIndex((step) => step.name === name);
  assertEquals(
    steps.map(({ ok }) => ok),
    steps.map((_, at) => at < index ? true : at > index ? null : false),
  );
  const { detail, hint } = steps[index]!;
  assert(hint !== undefined && hint !== "");
  return { detail, hint };
}

Deno.test("doctor passes all steps at a spawner server", async () => {
  await using server = await startSpawnerServer();
  const { code, stdout, stderr } = await runDoctor(server.spec(2));
  assertEquals([code, stderr], [0, ""]);
  const [header, ...lines] = stdout.trimEnd().split("\n");
  assertEquals(header, server.spec(2));
  assertEquals(
    lines.slice(0, STEPS.length).map((line) => line.slice(0, 17).trimEnd()),
    STEPS.map((name) => `  ✓ ${name}`),
  );
  assertEquals(lines.slice(STEPS.length), ["", "All checks passed"]);
  await assertNothingLeft(server);
});

Deno.test("doctor --json prints all figures of a spawner server", async () => {
  await using server = await startSpawnerServer({ token: TOKEN });
  await withFile(`${TOKEN}\n`, async (path) => {
    const { code, ok, hosts } = await runDoctorJson(
      server.spec(1),
      `--token-file=${path}`,
    );
    assertEquals([code, ok, hosts.length], [0, true, 1]);
    const { spec, kind, steps, figures } = hosts[0]!;
    assertEquals([spec, kind], [server.spec(1), "spawner"]);
    assertEquals(
      steps.map(({ name, ok, hint }) => [name, ok, hint]),
      STEPS.map((name) => [name, true, undefined]),
    );
    const { clockOffset, ...others } = figures;
    assertEquals(typeof clockOffset, "number");
    for (const figure of Object.values(others)) assertGreater(figure!, 0);
  });
  await assertNothingLeft(server);
});

Deno.test("doctor starts a worker for each CPU by default", async () => {
  await using server = await startSpawnerServer();
  const { hosts } = await runDoctorJson(`127.0.0.1:${server.port}`);
  const { workers, cpus } = hosts[0]!.figures;
  assertEquals([workers, cpus], [cpus, navigator.hardwareConcurrency]);
});

Deno.test("doctor connects to a spawner server with TLS", async () => {
  const certificate = await makeCertificate();
  await using server = await startSpawnerServer({ certificate });
  await withFile(certificate.cert, async (path) => {
    const args = [server.spec(1), `--ca-cert=${path}`];
    const { code, stdout } = await runDoctor(
      ...args,
      `--tls-name=${CERTIFICATE_NAME}`,
    );
    assertEquals(code, 0, stdout);
    assertStringIncludes(stdout, "✓ host key\n");
    const { hint } = await failingStep("host key", ...args);
    assertStringIncludes(hint, "--tls-name");
  });
});

Deno.test("doctor fails the step 'name' when a spawner server's name is unknown", async () => {
  const { detail } = await failingStep("name", "nowhere.invalid/1");
  assertStringIncludes(detail, "'nowhere.invalid' is not known");
});

Deno.test("doctor fails the step 'connection' when no spawner server listens", async () => {
  const { detail, hint } = await failingStep("connection", NOBODY);
  assertStringIncludes(detail, "no spawner server listens on 127.0.0.1:1");
  assertStringIncludes(hint, "--port 1'");
});

Deno.test("doctor fails the step 'key' when the token is wrong", async () => {
  await using server = await startSpawnerServer({ token: TOKEN });
  await withFile(`${TOKEN}, but another`, async (path) => {
    const { hint } = await failingStep(
      "key",
      server.spec(1),
      `--token-file=${path}`,
    );
    assertStringIncludes(hint, "--token-file");
  });
});

Deno.test("doctor fails the step 'workers' when the spawner server refuses one", async () => {
  await using server = await startSpawnerServer({
    args: ["--max-workers", "1"],
  });
  const { detail, hint } = await failingStep("workers", server.spec(2));
  assertStringIncludes(detail, "did not connect (was refused, as ");
  assertStringIncludes(detail, "at most 1");
  assert(!detail.includes("stderr"), detail);
  assertStringIncludes(hint, "--listen-hostname");
  assertStringIncludes(hint, "limit of workers is reached");
  await assertNothingLeft(server);
});

Deno.test("doctor checks the next host after a failure, and exits with 1", async () => {
  await using server = await startSpawnerServer();
  const specs = [NOBODY, server.spec(1)];
  const { code, stdout, stderr } = await runDoctor(...specs);
  assertEquals([code, stderr], [1, ""]);
  const [bad, good, summary] = stdout.split("\n\n");
  assertStringIncludes(bad!, `${NOBODY}\n  ✓ name `);
  assertStringIncludes(bad!, "\n  ✗ connection ");
  assertStringIncludes(bad!, "\n  – machine");
  assertStringIncludes(good!, `${server.spec(1)}\n  ✓ name `);
  assertStringIncludes(good!, "\n  ✓ machine ");
  assert(!good!.includes("✗") && !good!.includes("–"));
  assertEquals(summary, "1 of 2 hosts has a problem\n");
});

Deno.test("doctor --json reports hosts that pass and hosts that fail", async () => {
  await using server = await startSpawnerServer();
  const specs = [server.spec(1), NOBODY];
  const { code, ok, hosts } = await runDoctorJson(...specs);
  assertEquals([code, ok], [1, false]);
  assertEquals(
    hosts.map(({ spec, ok }) => [spec, ok]),
    [[specs[0], true], [NOBODY, false]],
  );
  assertEquals(hosts[1]!.steps.map(({ name }) => name), STEPS);
  assertEquals(Object.values(hosts[1]!.figures), new Array(7).fill(null));
});
