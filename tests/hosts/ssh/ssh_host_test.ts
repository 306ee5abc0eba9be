import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertNotMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  BrokenPoolError,
  HostError,
  type HostOptions,
  type HostStats,
  Pool,
  type PoolOptions,
} from "../../../mod.ts";
import { testSharedConformance } from "../../conformance/shared_conformance.ts";
import { sshTest } from "../../helpers/ssh_server.ts";
import {
  commandOf,
  findProgram,
  PoolProgram,
  sharedSite,
  sshClients,
  SshSite,
} from "../../helpers/ssh_fixture.ts";

const shared = sharedSite();

testSharedConformance({
  name: "ssh",
  options: () => ({ workers: 0, hosts: shared.site.host(2) }),
}, { declare: sshTest, afterwards: () => shared.empty() });

/** Makes a pool of one worker over ssh. */
function makePool(host: Partial<HostOptions> = {}, options: PoolOptions = {}) {
  return new Pool({ workers: 0, hosts: shared.site.host(1, host), ...options });
}

sshTest("Pool runs 64 workers of a host over one ssh process", async () => {
  await using pool = new Pool({
    workers: 0,
    hosts: shared.site.host(64),
    startTimeout: 300_000,
  });
  const pids = await pool.runOnAll(() => Deno.pid);
  assertEquals(new Set(pids).size, 64);
  const processes = shared.site.processes();
  assert(pids.every((pid) => processes.includes(pid)));
  assertEquals(sshClients().length, 1);
});

sshTest(
  "Pool uses one private folder on an ssh host, and leaves nothing",
  async () => {
    const { site } = shared;
    await using pool = makePool();
    assertEquals(await pool.run(() => 1), 1);
    const files = site.files();
    assertEquals(files.length, 1);
    const folder = `${site.tmpdir}/${files[0]}`;
    const { mode, isDirectory } = Deno.lstatSync(folder);
    assertEquals([isDirectory, mode! & 0o777], [true, 0o700]);
    const inside = [...Deno.readDirSync(folder)].map(({ name }) => name);
    assertEquals(inside.sort(), ["pool.sock", "probe.sock", "program.js"]);
    await pool.shutdown();
    await shared.empty();
  },
);

sshTest(
  "Pool runs tasks on an ssh host with their user's umask",
  async () => {
    await using pool = makePool();
    const path = `${shared.site.server.folder}/written`;
    await pool.run((path: string) => Deno.writeTextFile(path, ""), path);
    // sshd may set a stricter umask than that of this process.
    const expected = 0o666 & ~(Deno.umask() | 0o022);
    assertEquals(Deno.statSync(path).mode! & 0o777, expected);
  },
);

sshTest(
  "Pool puts its secret into no argument list on either machine",
  async () => {
    await using pool = makePool();
    await pool.ready;
    const { server } = shared.site;
    const there = [...shared.site.processes(), ...server.pids()];
    const commands = [...sshClients(), ...there].map(commandOf);
    for (const known of [/^(\S*\/)?ssh /, /^sshd: /, /--folder/, /--worker/]) {
      assert(commands.some((command) => known.test(command)), `${known}`);
    }
    for (const command of commands) {
      assertNotMatch(command, /\b[0-9a-f]{64}\b/);
    }
  },
);

sshTest(
  "Pool prints the output of workers on an ssh host with their names",
  async () => {
    const hosts = shared.site.host(1, { name: "big" });
    await using program = new PoolProgram({ workers: 0, hosts }, "say");
    const { code, stdout, stderr } = await program.ended();
    assertEquals(code, 0, stderr);
    assertEquals(
      stdout,
      "the program itself\n[big worker 1] one\n[big worker 1] two\n",
    );
    assertStringIncludes(stderr, "[big worker 1] careful\n");
  },
);

sshTest(
  "Pool denies tasks on an ssh host everything when permissions is 'none'",
  async () => {
    await using pool = makePool({ permissions: "none" });
    assertEquals(await pool.run((x: number) => x + 1, 1), 2);
    await assertRejects(
      () => pool.run(() => Deno.readTextFile("/etc/hostname")),
      Deno.errors.NotCapable,
    );
    await assertRejects(
      () => pool.run(() => void Deno.env.toObject()),
      Deno.errors.NotCapable,
    );
  },
);

sshTest("Pool gives workers on an ssh host denoArgs, env and cwd", async () => {
  await using pool = makePool({
    denoArgs: ["--v8-flags=--expose-gc"],
    env: { DISTEX_TEST: "it's $HOME" },
    cwd: shared.site.tmpdir,
  });
  const look = () => [
    typeof (globalThis as { gc?: unknown }).gc,
    Deno.env.get("DISTEX_TEST"),
    Deno.cwd(),
  ];
  assertEquals(
    await pool.run(look),
    ["function", "it's $HOME", shared.site.tmpdir],
  );
});

sshTest("Pool runs the deno of the option on an ssh host", async () => {
  const deno = `${shared.site.server.folder}/it's "deno"`;
  const script = `#!/bin/sh\nTHROUGH=it exec "${Deno.execPath()}" "$@"\n`;
  await Deno.writeTextFile(deno, script, { mode: 0o755 });
  await using pool = makePool({ deno });
  assertEquals(await pool.run(() => Deno.env.get("THROUGH")), "it");
});

sshTest(
  "Pool runs a deno on an ssh host that prints a warning before its version",
  async () => {
    const deno = `${shared.site.server.folder}/warning`;
    const script =
      `#!/bin/sh\necho warning >&2\nexec "${Deno.execPath()}" "$@"\n`;
    await Deno.writeTextFile(deno, script, { mode: 0o755 });
    await using pool = makePool({ deno });
    assertEquals(await pool.run(() => 1), 1);
  },
);

sshTest("Pool logs in to an ssh host with the given identity", async () => {
  const { identity, sshArgs } = shared.site.server;
  const at = sshArgs.indexOf("-i");
  await using pool = makePool({ identity, sshArgs: sshArgs.toSpliced(at, 2) });
  assertEquals(await pool.run(() => 1), 1);
});

sshTest(
  "Pool logs in to an ssh host with an identity of any name",
  async () => {
    const { server } = shared.site;
    const folder = `${server.folder}/keys 100%`;
    await Deno.mkdir(folder);
    const at = server.sshArgs.indexOf("-i");
    const sshArgs = server.sshArgs.toSpliced(at, 2);
    for (const name of ["id%h", `my "key" \\ %`]) {
      const identity = `${folder}/${name}`;
      await Deno.copyFile(server.identity, identity);
      await using pool = makePool({ identity, sshArgs });
      assertEquals(await pool.run(() => 1), 1);
    }
  },
);

sshTest(
  "Pool starts a worker for each CPU of an ssh host by default",
  async () => {
    await using pool = new Pool({
      workers: 0,
      hosts: shared.site.host(0, { name: "big" }),
    });
    await pool.ready;
    assertEquals(pool.totalWorkers, navigator.hardwareConcurrency);
    const [{ name, kind, workers }] = pool.stats().hosts as [HostStats];
    assertEquals([name, kind], ["big", "ssh"]);
    assertEquals(workers, navigator.hardwareConcurrency);
  },
);

for (const shell of ["dash", "bash", "zsh", "tcsh", "csh", "fish"]) {
  const path = findProgram(shell);
  if (path === undefined) continue;
  sshTest(
    `Pool runs workers on an ssh host when the login shell is ${shell}`,
    async () => {
      // This is how sshd runs a command, except for the shell.
      const command = `exec ${path} -c "$SSH_ORIGINAL_COMMAND"`;
      await using site = await SshSite.start({
        config: [`ForceCommand ${command}`],
      });
      await using pool = new Pool({ workers: 0, hosts: site.host() });
      assertEquals(await pool.run(() => 1), 1);
      await pool.shutdown();
      await site.empty();
    },
  );
}

sshTest(
  "Pool runs workers on an ssh host when the login shell prints something first",
  async () => {
    const BASH_ENV = `${shared.tmpdir}/rc`;
    await Deno.writeTextFile(
      BASH_ENV,
      "echo Welcome; echo Permission denied >&2",
    );
    await using site = await SshSite.start({
      config: [`ForceCommand exec bash -c "$SSH_ORIGINAL_COMMAND"`],
      env: { BASH_ENV },
    });
    await using pool = new Pool({ workers: 0, hosts: site.host() });
    assertEquals(await pool.run(() => 1), 1);
  },
);

sshTest(
  "Pool connects to an ssh host when its own folder has an unusual name",
  async () => {
    const TMPDIR = `${shared.tmpdir}/a b:c%h\\d`;
    await Deno.mkdir(TMPDIR);
    const { site } = shared;
    const hosts = site.host();
    const env = { TMPDIR };
    await using program = new PoolProgram({ workers: 0, hosts }, "interrupt", {
      env,
    });
    assertEquals(await program.readLine(), "ready");
    // Its probes, which find no listener, aren't reported.
    const path = `${site.tmpdir}/${site.files()[0]}/probe.sock`;
    using probe = await Deno.connect({ transport: "unix", path });
    assertEquals(await probe.read(new Uint8Array(1)), null);
    await program.signalGroup("INT");
    const { code, stderr } = await program.ended();
    assertEquals([code, stderr], [0, ""]);
    assertEquals([...Deno.readDirSync(TMPDIR)], []);
  },
);

sshTest(
  "Pool keeps its ssh host when the program handles Ctrl-C",
  async () => {
    const hosts = shared.site.host();
    await using program = new PoolProgram({ workers: 0, hosts }, "interrupt");
    assertEquals(await program.readLine(), "ready");
    await program.signalGroup("INT");
    assertEquals(await program.readLine(), "true");
    const { code, stderr } = await program.ended();
    assertEquals([code, stderr], [0, ""]);
    await shared.empty();
  },
);

function goodAndBad(): HostOptions[] {
  const { site } = shared;
  const bad = { name: "bad", sshArgs: site.server.wrongKeyArgs };
  return [site.host(1, { name: "good" }), site.host(1, bad)];
}

sshTest("Pool fails to start when an ssh host can't be used", async () => {
  await using pool = new Pool({ workers: 0, hosts: goodAndBad() });
  const { cause } = await assertRejects(() => pool.ready, BrokenPoolError);
  assertInstanceOf(cause, HostError);
  assertEquals([cause.host, cause.step], ["bad", "key"]);
  assertEquals(pool.stats().hosts[1]!.error, cause);
  await shared.empty();
});

sshTest(
  "Pool continues without an unusable ssh host when onHostError is 'continue'",
  async () => {
    await using pool = new Pool({
      workers: 0,
      hosts: goodAndBad(),
      onHostError: "continue",
    });
    assertEquals(await pool.run(() => 1), 1);
    const [good, bad] = pool.stats().hosts;
    assertEquals([good!.workers, good!.error], [1, undefined]);
    assertInstanceOf(bad!.error, HostError);
    assertEquals([bad!.workers, bad!.error.step], [0, "key"]);
    assertEquals(await pool.with({ host: "good" }).run(() => 1), 1);
    const there = pool.with({ host: "bad" });
    await assertRejects(() => there.run(() => 1), Error, "bad");
  },
);

sshTest(
  "Pool prints which unusable ssh host it continues without",
  async () => {
    const options = {
      workers: 0,
      hosts: goodAndBad(),
      onHostError: "continue",
    } as const;
    await using program = new PoolProgram(options, "say");
    const { code, stdout, stderr } = await program.ended();
    assertEquals(code, 0, stderr);
    assertStringIncludes(stdout, "[good worker 1] one");
    assertStringIncludes(stderr, "Can't use the host bad: ");
    assertStringIncludes(stderr, "Continuing without a host");
  },
);
