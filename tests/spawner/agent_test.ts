import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { pathToFileURL } from "node:url";
import { workerBundle } from "../../src/bundle/worker_bundle.ts";
import { AGENT_PROGRAM } from "../../src/spawner/worker_program.ts";
import { findConfig } from "../../src/util/find_config.ts";
import { makeCertificate } from "../../src/transport/certificate.ts";
import { AgentPool, TOKEN } from "../helpers/agent_pool.ts";
import { AgentProcess, runAgent } from "../helpers/agent_process.ts";
import { withFile } from "../helpers/files.ts";
import { makeNetwork, networkTest } from "../helpers/network.ts";
import { gone, isAlive, killNow, until } from "../helpers/processes.ts";

Deno.test("an agent joins a pool, and runs its workers until the pool ends", async () => {
  await using pool = await AgentPool.listen();
  await using agent = new AgentProcess(
    [
      ...pool.args,
      ...["--workers", "2", "--name", "node1", "--job", "17_3"],
      ...["--labels", "region=eu,disk=ssd", "--resources", "gpu=2,memory=64G"],
      ...["--max-idle", "1.5", "--wall-time", "10:00:00"],
    ],
    { token: TOKEN },
  );
  const joined = await pool.agent();
  const { wallTime, ...offer } = await joined.offer();
  assertEquals(offer, {
    workers: 2,
    name: "node1",
    job: "17_3",
    labels: { region: "eu", disk: "ssd" },
    resources: { gpu: 2, memory: "64G" },
    maxIdle: 1_500,
  });
  assert(wallTime! > 35_000_000 && wallTime! < 36_000_000, `${wallTime}`);
  const { deno } = await joined.open();
  assertEquals(deno, Deno.version.deno);
  const workers = await Promise.all([joined.start(), joined.start()]);
  const pids = await Promise.all(workers.map((worker) => worker.pid()));
  assert(pids.every(isAlive));
  await workers[0]!.call("() => console.log('hello')");
  await until(() => joined.output === "hello\n");
  joined.remote.close();
  const { code, stderr } = await agent.ended();
  assertEquals(code, 0, stderr);
  assertStringIncludes(stderr, "connected to the pool at 127.0.0.1:");
  assertStringIncludes(stderr, "The pool has closed the connection");
  assertEquals(pids.filter(isAlive), []);
});

Deno.test("an agent offers one worker by default, under its machine's name", async () => {
  await using pool = await AgentPool.listen();
  await using _agent = new AgentProcess(pool.args, { token: TOKEN });
  const joined = await pool.agent();
  assertEquals(await joined.offer(), {
    workers: 1,
    name: Deno.hostname(),
    labels: {},
    resources: {},
  });
});

for (const pin of ["fingerprint", "certificate"] as const) {
  Deno.test(`an agent and its workers use TLS with the pool's ${pin}`, async () => {
    const certificate = await makeCertificate();
    await withFile(certificate.cert, async (file) => {
      await using pool = await AgentPool.listen({ certificate });
      const args = pin === "fingerprint"
        ? pool.args
        : [...pool.args.slice(0, 2), "--certificate-file", file];
      await using _agent = new AgentProcess(args, { token: TOKEN });
      const joined = await pool.agent();
      await joined.open();
      const worker = await joined.start();
      assertEquals(await worker.call("() => 6 * 7"), 42);
    });
  });
}

Deno.test("an agent's workers don't end when a batch system sends them SIGTERM", async () => {
  await using pool = await AgentPool.listen();
  await using _agent = new AgentProcess(pool.args, { token: TOKEN });
  const joined = await pool.agent();
  await joined.open();
  const worker = await joined.start();
  Deno.kill(await worker.pid(), "SIGTERM");
  assertEquals(await worker.call("() => 6 * 7"), 42);
});

Deno.test("an agent makes no bundle, as many may start at the same time", async () => {
  const cache = await Deno.makeTempDir();
  try {
    await using pool = await AgentPool.listen();
    await using agent = new AgentProcess(pool.args, {
      token: TOKEN,
      env: { XDG_CACHE_HOME: cache },
    });
    const joined = await pool.agent();
    await joined.open();
    await joined.start();
    joined.close();
    await agent.ended();
    const names = [...Deno.readDirSync(cache)].map(({ name }) => name);
    // Deno's own folder may be there.
    assertEquals(names.filter((name) => name !== "deno"), []);
  } finally {
    await Deno.remove(cache, { recursive: true });
  }
});

Deno.test("an agent hides its token from its workers", async () => {
  const certificate = await makeCertificate();
  await using pool = await AgentPool.listen({ certificate });
  await using _agent = new AgentProcess(pool.args.slice(0, 2), {
    env: { DISTEX_TOKEN: TOKEN, DISTEX_FINGERPRINT: pool.args[3]! },
  });
  const joined = await pool.agent();
  await joined.open();
  const worker = await joined.start();
  const names = "() => Object.keys(Deno.env.toObject())";
  const seen = await worker.call<string[]>(names);
  assert(seen.includes("PATH"));
  assertEquals(seen.filter((name) => name.startsWith("DISTEX_")), []);
});

Deno.test("an agent that is one file starts its workers from the same file", async () => {
  const { signal } = new AbortController();
  const code = await workerBundle(AGENT_PROGRAM, findConfig(), signal);
  const folder = await Deno.makeTempDir();
  const program = `${folder}/agent.js`;
  try {
    await Deno.writeTextFile(program, code);
    await using pool = await AgentPool.listen();
    await using _agent = new AgentProcess(pool.args, { token: TOKEN, program });
    const joined = await pool.agent();
    await joined.open();
    const worker = await joined.start();
    const main = await worker.call<string>("() => Deno.mainModule");
    assertEquals(main, pathToFileURL(program).href);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("an agent ends at once if the pool has another token", async () => {
  await using pool = await AgentPool.listen();
  const { code, stderr } = await runAgent(pool.args, { token: `not ${TOKEN}` });
  assertEquals(code, 1);
  assertMatch(
    stderr,
    /^worker\.ts: The pool at 127\.0\.0\.1:\d+ has another token: check --token-file or DISTEX_TOKEN$/,
  );
});

Deno.test("an agent ends at once if the pool has another certificate", async () => {
  const certificate = await makeCertificate();
  const other = await makeCertificate();
  await using pool = await AgentPool.listen({ certificate });
  const fingerprint = `sha256:${"0123456789abcdef".repeat(4)}`;
  const address = pool.args.slice(0, 2);
  const byFingerprint = await runAgent(
    [...address, "--fingerprint", fingerprint],
    { token: TOKEN },
  );
  assertEquals(byFingerprint.code, 1);
  assertStringIncludes(byFingerprint.stderr, "can't be trusted");
  assertStringIncludes(byFingerprint.stderr, `not ${fingerprint}`);
  await withFile(other.cert, async (file) => {
    const byFile = await runAgent(
      [...address, "--certificate-file", file],
      { token: TOKEN },
    );
    assertEquals(byFile.code, 1);
    assertStringIncludes(byFile.stderr, "Check --certificate-file");
  });
});

Deno.test("an agent ends with the reason if the pool refuses it", async () => {
  await using pool = await AgentPool.listen();
  await using agent = new AgentProcess(pool.args, { token: TOKEN });
  const joined = await pool.agent();
  await joined.remote.refuse("it has 1024 workers already");
  const { code, stderr } = await agent.ended();
  assertEquals(code, 1);
  assertStringIncludes(
    stderr,
    `The pool at 127.0.0.1:${pool.port} refused this agent: it has 1024 workers already`,
  );
});

Deno.test("an agent waits for a pool that starts later", async () => {
  await using absent = await AgentPool.listen();
  absent.close();
  const { port } = absent;
  await using agent = new AgentProcess(
    ["--connect", `127.0.0.1:${port}`],
    { token: TOKEN },
  );
  await agent.logged(/trying again, as the pool can't be reached/);
  await using pool = await AgentPool.listen({ port });
  const joined = await pool.agent();
  await joined.open();
});

Deno.test("an agent ends if it can't reach the pool in time", async () => {
  await using pool = await AgentPool.listen();
  pool.close();
  const { code, stderr } = await runAgent(
    [...pool.args, "--connect-timeout", "0.1"],
    { token: TOKEN },
  );
  assertEquals(code, 1);
  assertStringIncludes(
    stderr,
    `worker.ts: The pool at 127.0.0.1:${pool.port} can't be reached within the --connect-timeout of 0.1 s`,
  );
  assertStringIncludes(stderr, "Connection refused");
});

Deno.test("an agent leaves on SIGTERM, and waits until the pool lets it go", async () => {
  await using pool = await AgentPool.listen();
  await using agent = new AgentProcess(pool.args, { token: TOKEN });
  const joined = await pool.agent();
  await joined.open();
  const worker = await joined.start();
  agent.kill("SIGTERM");
  const { reason, timeLeft } = await joined.remote.leaving;
  assertEquals([reason, timeLeft], ["it got SIGTERM", Infinity]);
  // Its workers still run.
  assertEquals(await worker.call("() => 6 * 7"), 42);
  joined.close();
  assertEquals((await agent.ended()).code, 0);
});

Deno.test("an agent ends at once on a second SIGTERM", async () => {
  await using pool = await AgentPool.listen();
  await using agent = new AgentProcess(pool.args, { token: TOKEN });
  const joined = await pool.agent();
  await joined.open();
  const worker = await joined.start();
  const pid = await worker.pid();
  agent.kill("SIGTERM");
  await joined.remote.leaving;
  agent.kill("SIGTERM");
  const { code, stderr } = await agent.ended();
  assertEquals(code, 1);
  assertStringIncludes(
    stderr,
    "Ended before the pool had let it go: it got SIGTERM again",
  );
  assertEquals(isAlive(pid), false);
});

Deno.test("an agent that isn't connected ends on SIGTERM", async () => {
  await using pool = await AgentPool.listen();
  pool.close();
  await using agent = new AgentProcess(pool.args, { token: TOKEN });
  await agent.logged(/trying again/);
  agent.kill("SIGTERM");
  const { code, stderr } = await agent.ended();
  assertEquals(code, 0);
  assertStringIncludes(stderr, "Left before it had reached the pool");
});

Deno.test("an agent ends with code 2 if its arguments are wrong", async () => {
  const { code, stdout, stderr } = await runAgent(["--connect", "node0"]);
  assertEquals([code, stdout], [2, ""]);
  assertMatch(stderr, /^worker\.ts: --connect must be like host:port[^\n]+$/);
});

Deno.test("an agent prints its options with --help", async () => {
  const { code, stdout, stderr } = await runAgent(["--help"]);
  assertEquals([code, stderr], [0, ""]);
  assertStringIncludes(stdout, "Usage: deno run -A jsr:@distex/pool/worker ");
});

Deno.test("an agent leaves on SIGINT", async () => {
  await using pool = await AgentPool.listen();
  await using agent = new AgentProcess(pool.args, { token: TOKEN });
  const joined = await pool.agent();
  agent.kill("SIGINT");
  assertEquals((await joined.remote.leaving).reason, "it got SIGINT");
});

Deno.test("an agent's workers end with it, even if it is killed", async () => {
  await using pool = await AgentPool.listen();
  await using agent = new AgentProcess(pool.args, { token: TOKEN });
  const joined = await pool.agent();
  await joined.open();
  const worker = await joined.start();
  const pid = await worker.pid();
  const busy = worker.call("() => { console.log('busy'); for (;;); }");
  const failed = assertRejects(() => busy, Error, "The worker has ended");
  await until(() => joined.output === "busy\n");
  agent.kill("SIGKILL");
  await gone(pid);
  joined.close();
  await failed;
});

Deno.test("an agent ends when its pool's program is killed", async () => {
  const program = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", import.meta.resolve("../programs/agent_pool.ts")],
    stdout: "piped",
  }).spawn();
  const reader = program.stdout.pipeThrough(new TextDecoderStream())
    .getReader();
  const readLine = async () => {
    let text = "";
    while (!text.endsWith("\n")) text += (await reader.read()).value ?? "\n";
    return text.trimEnd();
  };
  try {
    const port = await readLine();
    await using agent = new AgentProcess(
      ["--connect", `127.0.0.1:${port}`],
      { token: TOKEN },
    );
    const pid = Number(await readLine());
    assert(isAlive(pid));
    program.kill("SIGKILL");
    const { code, stderr } = await agent.ended();
    assertEquals(code, 0, stderr);
    assertEquals(isAlive(pid), false);
  } finally {
    killNow(program.pid);
    await program.status;
    await reader.cancel();
  }
});

networkTest("an agent ends when it can't reach its pool any more", async () => {
  await using network = await makeNetwork(1);
  const { pool: { address: hostname }, hosts: [host] } = network;
  const certificate = await makeCertificate();
  await using pool = await AgentPool.listen({ certificate, hostname });
  await using agent = new AgentProcess(
    pool.args,
    { token: TOKEN, host: host! },
  );
  const joined = await pool.agent();
  await joined.open();
  const worker = await joined.start();
  const pid = await worker.pid();
  assert(isAlive(pid));
  await network.cut(host!);
  await agent.logged(/The pool can't be reached any more/);
  assertEquals((await agent.ended()).code, 0);
  assertEquals(isAlive(pid), false);
});
