import {
  assert,
  assertEquals,
  assertGreater,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import type { HostReport } from "../../src/doctor/report.ts";
import {
  type SshServer,
  sshTest,
  startSshServer,
} from "../helpers/ssh_server.ts";
import {
  assertEmpty,
  assertNoProcess,
  runDoctor,
  runDoctorJson,
  runDoctorWith,
} from "../helpers/doctor_fixture.ts";

const STEPS = [
  "name",
  "connection",
  "host key",
  "key",
  "forwarding",
  "folder",
  "deno",
  "spawner",
  "workers",
  "round trip",
  "throughput",
  "clock",
  "machine",
];

function asFlags(args: readonly string[]): string[] {
  return args.map((arg) => `--ssh-arg=${arg}`);
}

/** Creates a folder on the host that must be empty at the end. */
async function makeTmpdir(server: SshServer): Promise<string> {
  return await Deno.makeTempDir({ dir: server.folder, prefix: "t" });
}

async function assertNothingLeft(
  server: SshServer,
  tmpdir: string,
): Promise<void> {
  await assertNoProcess(`DISTEX_TEST_SSHD=${server.folder}`);
  await assertEmpty(tmpdir);
}

/** Writes a script on the host that stands in for `deno`. */
async function writeDeno(server: SshServer, script: string): Promise<string> {
  const path = await Deno.makeTempFile({ dir: server.folder });
  await Deno.writeTextFile(path, `#!/bin/sh\n${script}\n`);
  await Deno.chmod(path, 0o755);
  return path;
}

/** Writes a `deno` on the host whose spawner first runs some JavaScript. */
async function writePreloadingDeno(
  server: SshServer,
  code: string,
): Promise<string> {
  const url = `data:text/javascript,${encodeURIComponent(code)}`;
  return await writeDeno(
    server,
    `[ "$1" = run ] && { shift; exec deno run --preload='${url}' "$@"; }
exec deno "$@"`,
  );
}

/** Checks a host where a step must fail; returns its detail and hint. */
async function failingStep(
  name: string,
  ...args: string[]
): Promise<{ detail: string; hint: string }> {
  const { code, ok, hosts } = await runDoctorJson(...args);
  const report = hosts[0]!;
  assertEquals([code, ok, report.ok], [1, false, false]);
  assertFails(report, name);
  const { detail, hint } = report.steps.find((step) => step.ok === false)!;
  assert(hint !== undefined && hint !== "");
  return { detail, hint };
}

/** Checks that earlier steps passed and later steps were not reached. */
function assertFails({ steps }: HostReport, name: string): void {
  const index = STEPS.indexOf(name);
  assertEquals(
    steps.map(({ name, ok }) => [name, ok]),
    STEPS.map((
      name,
      at,
    ) => [name, at < index ? true : at > index ? null : false]),
  );
}

sshTest("doctor passes all steps at an ssh host", async () => {
  await using server = await startSshServer();
  const tmpdir = await makeTmpdir(server);
  const { code, stdout, stderr } = await runDoctor(
    server.spec(2),
    ...asFlags(server.sshArgs),
    `--tmpdir=${tmpdir}`,
  );
  assertEquals([code, stderr], [0, ""]);
  const [header, ...lines] = stdout.trimEnd().split("\n");
  assertEquals(header, server.spec(2));
  assertEquals(
    lines.slice(0, STEPS.length).map((line) => line.slice(0, 17).trimEnd()),
    STEPS.map((name) => `  ✓ ${name}`),
  );
  assertEquals(lines.slice(STEPS.length), ["", "All is well"]);
  assertStringIncludes(stdout, `port ${server.port}\n`);
  assertStringIncludes(stdout, `lets ${server.user} in\n`);
  assertMatch(stdout, /2 connected in [\d,]+ ms\n/);
  await assertNothingLeft(server, tmpdir);
});

sshTest("doctor --json prints all figures of an ssh host", async () => {
  await using server = await startSshServer();
  const tmpdir = await makeTmpdir(server);
  const { code, ok, hosts } = await runDoctorJson(
    server.spec(1),
    ...asFlags(server.sshArgs),
    `--tmpdir=${tmpdir}`,
  );
  assertEquals([code, ok, hosts.length], [0, true, 1]);
  const { spec, kind, steps, figures } = hosts[0]!;
  assertEquals([spec, kind], [server.spec(1), "ssh"]);
  assertEquals(steps.map(({ name }) => name), STEPS);
  assert(steps.every(({ ok, hint }) => ok && hint === undefined));
  const { clockOffset, ...others } = figures;
  assertEquals(typeof clockOffset, "number");
  assertEquals(figures.workers, 1);
  assertEquals(figures.cpus, navigator.hardwareConcurrency);
  assertEquals(figures.memory, Deno.systemMemoryInfo().total);
  for (const figure of Object.values(others)) assertGreater(figure!, 0);
  await assertNothingLeft(server, tmpdir);
});

sshTest(
  "doctor reads the address of a host from ssh's configuration",
  async () => {
    await using server = await startSshServer();
    const [, , ...args] = server.sshArgs;
    const config = `${server.folder}/ssh_config`;
    await Deno.writeTextFile(
      config,
      `Host maxi\n  HostName 127.0.0.1\n  Port ${server.port}\n  User ${server.user}\n`,
    );
    const { code, stdout } = await runDoctor(
      "ssh://maxi/1",
      ...asFlags(["-F", config, ...args]),
    );
    assertEquals(code, 0, stdout);
    assertMatch(stdout, /^ssh:\/\/maxi\/1\n {2}✓ name +127\.0\.0\.1\n/);
    assertStringIncludes(stdout, `port ${server.port}\n`);
    assertStringIncludes(stdout, `lets ${server.user} in\n`);
  },
);

sshTest(
  "doctor fails the step 'name' when an ssh host's name is unknown",
  async () => {
    await using server = await startSshServer();
    const { detail } = await failingStep(
      "name",
      "ssh://nowhere.invalid/1",
      ...asFlags(server.sshArgs),
    );
    assertStringIncludes(detail, "nowhere.invalid is not known");
  },
);

sshTest(
  "doctor fails the step 'connection' when no ssh server listens",
  async () => {
    await using server = await startSshServer();
    const { detail, hint } = await failingStep(
      "connection",
      "ssh://127.0.0.1:1/1",
      ...asFlags(server.sshArgs),
    );
    assertStringIncludes(detail, "Connection refused");
    assertStringIncludes(hint, "ssh -v -p 1 127.0.0.1");
  },
);

sshTest(
  "doctor fails the step 'connection' when another server listens",
  async () => {
    await using server = await startSshServer();
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const hungUp = listener.accept().then((connection) => connection.close());
    const { detail } = await failingStep(
      "connection",
      `ssh://127.0.0.1:${listener.addr.port}/1`,
      ...asFlags(server.sshArgs),
    );
    await hungUp;
    assertStringIncludes(detail, "can't be reached by ssh");
  },
);

sshTest(
  "doctor fails the step 'host key' when the host key is unknown",
  async () => {
    await using server = await startSshServer();
    const { detail, hint } = await failingStep(
      "host key",
      server.spec(1),
      ...asFlags(server.unknownHostKeyArgs),
    );
    assertStringIncludes(detail, "not known here yet");
    const { user, address, port } = server;
    assertStringIncludes(hint, `'ssh -p ${port} ${user}@${address}'`);
  },
);

sshTest(
  "doctor fails the step 'key' when the host rejects the user's key",
  async () => {
    await using server = await startSshServer();
    const { hint } = await failingStep(
      "key",
      server.spec(1),
      ...asFlags(server.wrongKeyArgs),
    );
    assertStringIncludes(hint, "ssh-copy-id");
  },
);

sshTest("doctor --identity sets the key for an ssh host", async () => {
  await using server = await startSshServer();
  const args = server.sshArgs;
  args.splice(args.indexOf("-i"), 2);
  const { code, stdout } = await runDoctor(
    server.spec(1),
    "--identity",
    server.identity,
    ...asFlags(args),
  );
  assertEquals(code, 0, stdout);
});

sshTest(
  "doctor fails the step 'forwarding' when the host forbids it",
  async () => {
    await using server = await startSshServer({
      config: ["AllowStreamLocalForwarding no"],
    });
    const { hint } = await failingStep(
      "forwarding",
      server.spec(1),
      ...asFlags(server.sshArgs),
    );
    assertStringIncludes(hint, "sshd -T");
  },
);

sshTest(
  "doctor fails the step 'deno' when there is none at the given path",
  async () => {
    await using server = await startSshServer();
    const tmpdir = await makeTmpdir(server);
    const { detail, hint } = await failingStep(
      "deno",
      server.spec(1),
      ...asFlags(server.sshArgs),
      `--deno=${server.folder}/no/deno`,
      `--tmpdir=${tmpdir}`,
    );
    assertStringIncludes(detail, `${server.folder}/no/deno`);
    assertStringIncludes(hint, "--deno <path>");
    await assertNothingLeft(server, tmpdir);
  },
);

sshTest("doctor fails the step 'deno' when it is too old", async () => {
  await using server = await startSshServer();
  const { detail, hint } = await failingStep(
    "deno",
    server.spec(1),
    ...asFlags(server.sshArgs),
    `--deno=${await writeDeno(server, "echo 'deno 1.46.3 (stable)'")}`,
  );
  assertStringIncludes(detail, "1.46.3");
  assertStringIncludes(hint, "deno upgrade");
});

sshTest(
  "doctor passes the step 'clock' with a hint when the clocks differ",
  async () => {
    await using server = await startSshServer();
    const deno = await writePreloadingDeno(
      server,
      "const now = Date.now; Date.now = () => now() + 3_600_000;",
    );
    const { code, ok, hosts } = await runDoctorJson(
      server.spec(1),
      ...asFlags(server.sshArgs),
      `--deno=${deno}`,
    );
    assertEquals([code, ok], [0, true]);
    const { steps, figures } = hosts[0]!;
    assertEquals(Math.round(figures.clockOffset! / 3_600_000), 1);
    const { detail, hint } = steps.find(({ name }) => name === "clock")!;
    assertMatch(detail, /^\d+\.\d s ahead$/);
    assertStringIncludes(hint!, "NTP");
  },
);

sshTest("doctor fails the step in which the host is lost", async () => {
  await using server = await startSshServer();
  const tmpdir = await makeTmpdir(server);
  const deno = await writePreloadingDeno(
    server,
    // The first ping is a heartbeat; the next one reads the clock.
    "let pings = 0; Date.now = () => pings++ === 0 ? 0 : Deno.exit(3);",
  );
  const { detail, hint } = await failingStep(
    "clock",
    server.spec(1),
    ...asFlags(server.sshArgs),
    `--deno=${deno}`,
    `--tmpdir=${tmpdir}`,
  );
  assertStringIncludes(detail, "connection");
  assertStringIncludes(hint, "--timeout");
  await assertNothingLeft(server, tmpdir);
});

sshTest("doctor reports a failure on this machine", async () => {
  const { code, stdout } = await runDoctorWith(
    { TMPDIR: "/no/such/folder" },
    "ssh://127.0.0.1:1/1",
  );
  assertEquals(code, 1);
  const [, failed, ...others] = stdout.split("\n");
  assertMatch(failed!, /^ {2}✗ this machine +The folder .* TMPDIR/);
  assertMatch(others[0]!, /^ +→ .*on this machine/);
  assertEquals(
    others.slice(1, 1 + STEPS.length),
    STEPS.map((name) => `  – ${name}`),
  );
});
