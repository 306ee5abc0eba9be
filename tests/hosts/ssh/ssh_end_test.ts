import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  BrokenPoolError,
  HostError,
  Pool,
  WorkerLostError,
} from "../../../mod.ts";
import { Gate } from "../../helpers/gate.ts";
import { isAlive, killAll, killNow, until } from "../../helpers/processes.ts";
import { sshTest } from "../../helpers/ssh_server.ts";
import {
  isFile,
  PoolProgram,
  sharedSite,
  sshClients,
  SshSite,
} from "../../helpers/ssh_fixture.ts";

const shared = sharedSite();

/** A task: blocks its worker for ever. */
async function block(port: number): Promise<void> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  while (connection !== null);
}

/** The command lines of a spawner and of a worker on an ssh host. */
const SPAWNER = /^\S+ run -A .*--folder/;
const WORKER = / --worker /;

sshTest(
  "Pool leaves nothing on an ssh host when the program is killed",
  async () => {
    const hosts = shared.site.host(2);
    await using program = new PoolProgram({ workers: 0, hosts }, "interrupt");
    assertEquals(await program.readLine(), "ready");
    program.kill();
    await shared.empty();
  },
);

sshTest(
  "Pool leaves nothing on an ssh host when the program is killed while a worker is busy",
  async () => {
    await using gate = new Gate();
    const { port } = gate;
    const hosts = shared.site.host(2);
    await using program = new PoolProgram({ workers: 0, hosts }, "busy", {
      port,
    });
    await gate.entered();
    program.kill();
    await shared.empty();
  },
);

const stages: readonly [string, (program: PoolProgram) => boolean][] = [
  ["ssh has been started", ({ pid }) => sshClients(pid).length > 0],
  ["the spawner is there", () => shared.site.processesLike(SPAWNER).length > 0],
  ["a worker is there", () => shared.site.processesLike(WORKER).length > 0],
];
for (const [stage, reached] of stages) {
  sshTest(
    `Pool leaves nothing on an ssh host when the program is killed as soon as ${stage}`,
    async () => {
      const hosts = shared.site.host(2);
      await using program = new PoolProgram({ workers: 0, hosts }, "start");
      await until(() => reached(program));
      program.kill();
      await shared.empty();
    },
  );
}

sshTest(
  "Pool leaves nothing on an ssh host when the program is killed before the login shell is done",
  async () => {
    const fifo = `${shared.tmpdir}/fifo`;
    await new Deno.Command("mkfifo", { args: [fifo] }).output();
    await using site = await SshSite.start({
      config: [`ForceCommand cat ${fifo}; exec sh -c "$SSH_ORIGINAL_COMMAND"`],
    });
    await using program = new PoolProgram(
      { workers: 0, hosts: site.host() },
      "start",
    );
    await until(() => site.processesLike(/^cat /).length > 0);
    assertEquals(site.files().length, 2);
    program.kill();
    await until(() => site.server.pids().length === 0);
    // Opened for both directions, it doesn't wait for the other end.
    (await Deno.open(fifo, { read: true, write: true })).close();
    await site.empty();
    await shared.empty();
  },
);

sshTest(
  "Pool leaves nothing on an ssh host when it is shut down while it starts",
  async () => {
    const pool = new Pool({ workers: 0, hosts: shared.site.host() });
    await until(() => sshClients().length > 0);
    await pool.shutdown();
    await shared.empty();
  },
);

/** Starts a silent server: its system accepts connections, but nobody answers. */
function listenSilently(): Deno.TcpListener {
  return Deno.listen({ hostname: "127.0.0.1", port: 0 });
}

sshTest(
  "Pool leaves no pending ssh when the program is killed",
  async () => {
    using silent = listenSilently();
    const { sshArgs } = shared.site.server;
    const hosts = { host: `ssh://127.0.0.1:${silent.addr.port}`, sshArgs };
    await using program = new PoolProgram({ workers: 0, hosts }, "start");
    using _connection = await silent.accept();
    const clients = sshClients(program.pid);
    assertEquals(clients.length, 1);
    program.kill();
    await until(() => !clients.some(isAlive));
    await shared.empty();
  },
);

sshTest(
  "Pool leaves no pending ssh when another host can't be used",
  async () => {
    using silent = listenSilently();
    const { sshArgs, wrongKeyArgs } = shared.site.server;
    const host = `ssh://127.0.0.1:${silent.addr.port}`;
    const bad = shared.site.host(1, { name: "bad", sshArgs: wrongKeyArgs });
    await using pool = new Pool({
      workers: 0,
      hosts: [{ host, sshArgs }, bad],
    });
    using _connection = await silent.accept();
    await assertRejects(() => pool.ready, BrokenPoolError, "bad");
    await shared.empty();
  },
);

/** Commands that ssh starts to connect, and how they end. */
const proxies: readonly [string, string, boolean][] = [
  ["ends on SIGTERM", "", false],
  ["outlives ssh", "trap '' HUP TERM", true],
];

for (const [does, trap, outlives] of proxies) {
  sshTest(
    `Pool shuts down when an ssh host's ProxyCommand hangs and ${does}`,
    async () => {
      const folder = await Deno.makeTempDir();
      const [script, file] = [`${folder}/proxy`, `${folder}/pid`];
      const lines = [trap, `echo $$ >${file}.new`, `mv ${file}.new ${file}`];
      await Deno.writeTextFile(script, [...lines, "exec sleep 60"].join("\n"));
      const sshArgs = ["-F", "none", "-o", `ProxyCommand=sh ${script}`];
      const pool = new Pool({
        workers: 0,
        hosts: { host: "ssh://mini", sshArgs },
      });
      await until(() => isFile(file));
      const proxy = Number(await Deno.readTextFile(file));
      try {
        await pool.shutdown();
        if (!outlives) await until(() => !isAlive(proxy));
        assertEquals(isAlive(proxy), outlives);
      } finally {
        killNow(proxy);
        await Deno.remove(folder, { recursive: true });
      }
      await shared.empty();
    },
  );
}

/** Processes whose end breaks the connection. */
const accidents: readonly [string, () => void | Promise<void>][] = [
  ["sshd's session", async () => {
    assert(await shared.site.server.killSessions() > 0);
  }],
  ["the ssh client", () => killAll(sshClients())],
  ["the spawner", () => killAll(shared.site.processesLike(SPAWNER))],
];

for (const [what, happen] of accidents) {
  sshTest(
    `Pool is broken and leaves nothing on an ssh host when ${what} is killed`,
    async () => {
      await using gate = new Gate();
      const hosts = shared.site.host(2);
      await using pool = new Pool({ workers: 0, hosts, hostTimeout: 1 });
      const tasks = [gate.port, gate.port].map((port) => pool.run(block, port));
      const outcomes = Promise.allSettled(tasks);
      await gate.entered();
      await gate.entered();
      await happen();
      for (const outcome of await outcomes) {
        assertEquals(outcome.status, "rejected");
        const { reason } = outcome as PromiseRejectedResult;
        assertInstanceOf(reason, WorkerLostError);
      }
      const error = await assertRejects(
        () => pool.run(() => 1),
        BrokenPoolError,
      );
      assertStringIncludes(error.message, "No worker is left");
      await shared.empty();
    },
  );

  sshTest(
    `Pool continues with local workers when ${what} is killed`,
    async () => {
      await using gate = new Gate();
      const hosts = shared.site.host(1, { name: "big" });
      await using pool = new Pool({ workers: 1, hosts, hostTimeout: 1 });
      const there = pool.with({ host: "big" });
      const task = assertRejects(
        () => there.run(block, gate.port),
        WorkerLostError,
      );
      await gate.entered();
      await happen();
      await task;
      assertEquals(await pool.run(() => 1), 1);
      assertEquals(pool.stats().hosts.map(({ workers }) => workers), [1, 0]);
      const { message, cause } = await assertRejects(
        () => there.run(() => 1),
        BrokenPoolError,
      );
      assertStringIncludes(message, "no worker on the host 'big'");
      assertInstanceOf(cause, HostError);
      assertStringIncludes(message, cause.message);
      await pool.shutdown();
      await shared.empty();
    },
  );
}
