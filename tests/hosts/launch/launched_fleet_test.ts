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
  type PoolOptions,
  type TemplateOptions,
  WorkerLostError,
} from "../../../mod.ts";
import { Gate, passGate } from "../../helpers/gate.ts";
import {
  exists,
  gone,
  isAlive,
  killNow,
  until,
} from "../../helpers/processes.ts";

const pid = () => Deno.pid;
const agentPid = () => Deno.ppid;
const double = (x: number) => x * 2;
const ITEMS = Array.from({ length: 20_000 }, (_, index) => index);

/** A pool whose agents a command starts here, and its folder. */
class LaunchedPool implements AsyncDisposable {
  readonly folder: string = Deno.makeTempDirSync({ prefix: "distex-jobs-" });
  readonly pool: Pool;

  constructor(
    host: Partial<TemplateOptions> = {},
    options: PoolOptions = {},
  ) {
    this.pool = new Pool({
      workers: 0,
      listen: { hostname: "127.0.0.1" },
      hosts: {
        launch: ["{command}"],
        workers: 2,
        name: "batch",
        folder: this.folder,
        ...host,
      },
      ...options,
    });
  }

  /** The figures of the host. */
  get host(): ReturnType<Pool["stats"]>["hosts"][0] {
    return this.pool.stats().hosts.find(({ name }) => name === "batch")!;
  }

  /** Waits until a number of workers are in use. */
  async has(workers: number): Promise<void> {
    await until(() => this.host.workers === workers);
  }

  /** The names of the files in its folder. */
  get files(): string[] {
    return [...Deno.readDirSync(this.folder)].map(({ name }) => name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pool.terminate();
    await Deno.remove(this.folder, { recursive: true });
  }
}

Deno.test("Pool is ready once a launcher has accepted its agents, and calls wait for them", async () => {
  await using site = new LaunchedPool({ workers: 4, workersPerJob: 2 });
  const { pool } = site;
  assertEquals(pool.totalWorkers, 4);
  await pool.ready;
  assertEquals(await pool.run(double, 21), 42);
  await site.has(4);
  const pids = await pool.runOnAll(pid);
  const agents = new Set(await pool.runOnAll(agentPid));
  assertEquals([new Set(pids).size, agents.size], [4, 2]);
  const { kind, error, lost } = site.host;
  assertEquals([kind, error, lost], ["launch", undefined, 0]);
  await pool.shutdown();
  assertEquals([...pids, ...agents].filter(isAlive), []);
  assertEquals(site.files, []);
});

Deno.test("Pool keeps the files of agents private, and their token out of their arguments", async () => {
  await using site = new LaunchedPool({ workers: 1 });
  const { pool } = site;
  const parent = await pool.run(agentPid);
  const [name] = site.files;
  const folder = `${site.folder}/${name}`;
  const modes = ["", "/token", "/program.js"].map((file) =>
    Deno.statSync(folder + file).mode! & 0o777
  );
  assertEquals(modes, [0o700, 0o600, 0o644]);
  const token = Deno.readTextFileSync(`${folder}/token`);
  for (const file of ["cmdline", "environ"]) {
    const text = Deno.readTextFileSync(`/proc/${parent}/${file}`);
    assert(!text.includes(token));
  }
});

Deno.test("Pool removes the folders of programs that were killed", async () => {
  await using site = new LaunchedPool({ workers: 1 });
  await site.pool.ready;
  const [own] = site.files;
  const machine = own!.replace(/-[0-9a-f]{16}$/, "");
  const [abandoned, foreign] = [machine, `other-${machine}`].map((name) =>
    `${site.folder}/${name}-0123456789abcdef`
  );
  for (const folder of [abandoned!, foreign!]) {
    Deno.mkdirSync(folder);
    Deno.writeTextFileSync(`${folder}/lock`, "");
  }
  await using other = new Pool({
    workers: 0,
    listen: { hostname: "127.0.0.1" },
    hosts: { launch: ["{command}"], workers: 1, folder: site.folder },
  });
  await other.ready;
  assertEquals([abandoned!, foreign!].map(exists), [false, true]);
  assert(site.files.includes(own!));
});

Deno.test("Pool asks again for an agent that was killed", async () => {
  await using gate = new Gate();
  await using site = new LaunchedPool({ workers: 1 });
  const { pool } = site;
  const agent = await pool.run(agentPid);
  const worker = await pool.run(pid);
  const call = pool.run(passGate<number>, gate.port, 1);
  const lost = assertRejects(() => call, WorkerLostError);
  const again = pool.with({ retries: 1 }).run(passGate<number>, gate.port, 2);
  await gate.entered();
  killNow(agent);
  await lost;
  await gate.entered();
  gate.open();
  assertEquals(await again, 2);
  await gone(worker);
  assert(await pool.run(agentPid) !== agent);
  assertEquals(site.host.lost, 1);
});

Deno.test("Pool takes an agent that is back before it was found to be lost", async () => {
  await using site = new LaunchedPool({ workers: 1 }, { stdio: "null" });
  const { pool } = site;
  const first = await pool.run(agentPid);
  const [program, ...args] = Deno.readTextFileSync(`/proc/${first}/cmdline`)
    .split("\0").slice(0, -1);
  const again = new Deno.Command(program!, { args, stderr: "null" }).spawn();
  await gone(first);
  assertEquals(await pool.run(agentPid), again.pid);
  assertEquals(pool.totalWorkers, 1);
  await pool.shutdown();
  assertEquals((await again.status).code, 0);
});

Deno.test("Pool loses nothing when a launcher's agents are ended by SIGTERM under load", async () => {
  await using site = new LaunchedPool({ workers: 2 }, { stdio: "null" });
  const { pool } = site;
  await site.has(2);
  const map = pool.map(double, ITEMS).toArray();
  for (const agent of new Set(await pool.runOnAll(agentPid))) {
    Deno.kill(agent, "SIGTERM");
    await gone(agent);
  }
  assertEquals(await map, ITEMS.map(double));
  assertEquals(site.host.lost, 0);
  // Others come in their place.
  await site.has(2);
});

Deno.test("Pool ends a launcher's agents and their files when the program is killed", async () => {
  const folder = await Deno.makeTempDir({ prefix: "distex-jobs-" });
  const program = new URL("../../programs/launched_pool.ts", import.meta.url);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", program.href, folder],
    stdout: "piped",
  }).spawn();
  try {
    const reader = child.stdout.pipeThrough(new TextDecoderStream())
      .getReader();
    const { value } = await reader.read();
    child.kill("SIGKILL");
    await child.status;
    await reader.cancel();
    for (const pid of JSON.parse(value!).flat()) await gone(pid);
    await until(() => [...Deno.readDirSync(folder)].length === 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("Pool rejects calls when a launcher's agents can't start, and shows their output", async () => {
  await using site = new LaunchedPool({
    launch: ["sh", "-c", "echo no such queue >&2; exit 3; {command}"],
  }, { maxRestarts: 0, stdio: "null" });
  const error = await assertRejects(
    () => site.pool.run(double, 1),
    BrokenPoolError,
  );
  assertInstanceOf(error.cause, HostError);
  assertStringIncludes(error.message, "exit code 3");
  assertStringIncludes(error.message, "no such queue");
});

Deno.test("Pool rejects calls when a launcher's agents run but can't reach it", async () => {
  await using site = new LaunchedPool({
    workers: 1,
    launch: ["sh", "-c", "exec sleep 1000; {command}"],
  }, { maxRestarts: 0, startTimeout: 500, stdio: "null" });
  const error = await assertRejects(
    () => site.pool.run(double, 1),
    BrokenPoolError,
  );
  assertStringIncludes(error.message, "the 'startTimeout' of 500 ms");
});

Deno.test("Pool names the agents that it waits for when no worker can run a call", async () => {
  await using site = new LaunchedPool({
    name: "later",
    workers: 1,
    launch: ["sh", "-c", "exec sleep 1000; {command}"],
    resources: { gpu: 1 },
  }, { stdio: "null" });
  await site.pool.ready;
  await assertRejects(
    () => site.pool.with({ resources: { gpu: 2 } }).run(double, 1),
    BrokenPoolError,
    "which asks for gpu: 2; there is later (gpu: 1)",
  );
});

Deno.test("Pool rejects calls when the initializer fails in a launcher's agents", async () => {
  await using site = new LaunchedPool({}, {
    initializer: () => {
      throw new Error("no license");
    },
    initializerArgs: [],
    stdio: "null",
  });
  const error = await assertRejects(
    () => site.pool.run(double, 1),
    BrokenPoolError,
  );
  assertStringIncludes(error.message, "its initializer failed");
  assertStringIncludes(error.message, "no license");
});

Deno.test("Pool can't start when a launcher can't be run, unless it may go on without", async () => {
  const launch = ["no-such-launcher", "{command}"];
  await using site = new LaunchedPool({ launch });
  const error = await assertRejects(() => site.pool.ready, BrokenPoolError);
  assertInstanceOf(error.cause, HostError);
  assertStringIncludes(error.message, "no-such-launcher");
  await using other = new LaunchedPool({ launch }, {
    workers: 1,
    onHostError: "continue",
    stdio: "null",
  });
  assertEquals(await other.pool.run(double, 1), 2);
  assertInstanceOf(other.host.error, HostError);
  assertEquals(other.files, []);
});

Deno.test("Pool can't start when the folder for a launcher's files can't be made", async () => {
  await using site = new LaunchedPool({ folder: "/dev/null/jobs" });
  const { cause } = await assertRejects(
    () => site.pool.ready,
    BrokenPoolError,
    "set the host's option 'folder'",
  );
  assertInstanceOf(cause, HostError);
  assertEquals(cause.step, "folder");
});

Deno.test("Pool.stats() shows agents that wait, and the reason", async () => {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/state`;
  try {
    await Deno.writeTextFile(file, "pending nodes are down");
    await using site = new LaunchedPool({
      workers: 1,
      launch: [
        "sh",
        "-c",
        `while ! [ -e ${folder}/go ]; do sleep 0.01; done; exec {command}`,
      ],
      query: ["cat", file],
      end: ["true"],
    }, { stdio: "null" });
    await until(() => site.host.pending?.reason === "nodes are down");
    assertEquals(site.host.pending, { agents: 1, reason: "nodes are down" });
    const call = site.pool.run(double, 1);
    await Deno.writeTextFile(`${folder}/go`, "");
    assertEquals(await call, 2);
    assertEquals(site.host.pending, undefined);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("Pool.addHost() and removeHost() start and end a launcher's agents", async () => {
  const folder = await Deno.makeTempDir({ prefix: "distex-jobs-" });
  try {
    await using pool = new Pool({
      workers: 1,
      listen: { hostname: "127.0.0.1" },
    });
    const host = await pool.addHost({
      launch: ["{command}"],
      workers: 2,
      name: "batch",
      folder,
    });
    const batch = pool.with({ host });
    const agent = await batch.run(agentPid);
    const map = pool.map(double, ITEMS).toArray();
    await pool.removeHost(host);
    await gone(agent);
    assertEquals(await map, ITEMS.map(double));
    assertEquals([...Deno.readDirSync(folder)], []);
    assertEquals(pool.stats().hosts.length, 1);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("Pool.removeHost() forgets a host even if its jobs can't be cancelled", async () => {
  await using site = new LaunchedPool({ workers: 1 }, { workers: 1 });
  const { pool } = site;
  const host = {
    launch: ["{command}"],
    query: ["echo", "running"],
    end: ["no-such-program"],
    name: "stuck",
    workers: 1,
    folder: site.folder,
  };
  await pool.addHost(host);
  const agent = await pool.with({ host: "stuck" }).run(agentPid);
  await assertRejects(
    () => pool.removeHost("stuck"),
    HostError,
    "no-such-program",
  );
  await gone(agent);
  const names = pool.stats().hosts.map(({ name }) => name);
  assertEquals(names, ["local", "batch"]);
  assertEquals(await pool.addHost({ ...host, end: ["true"] }), "stuck");
});

Deno.test("Pool.shutdown() ends agents that haven't joined", async () => {
  await using site = new LaunchedPool({
    launch: ["sh", "-c", "exec sleep 1000; {command}"],
  });
  await site.pool.ready;
  await site.pool.shutdown();
  assertEquals(site.files, []);
});

Deno.test("Pool uses the labels and amounts of a launcher's host", async () => {
  await using site = new LaunchedPool({
    workers: 1,
    labels: { region: "eu" },
    resources: { gpu: 1 },
  });
  const { pool } = site;
  const there = pool.with({ where: { region: "eu" }, resources: { gpu: 1 } });
  assertEquals(await there.run(double, 1), 2);
  await assertRejects(() =>
    pool.with({ where: { region: "us" } }).run(double, 1)
  );
});

Deno.test("Pool's launched agents connect with TLS to this machine's address", async () => {
  const address = Deno.networkInterfaces().find(({ family, address }) =>
    family === "IPv4" && !address.startsWith("127.")
  )?.address;
  // A machine without a network has no other address.
  if (address === undefined) return;
  await using site = new LaunchedPool({}, { listen: { hostname: address } });
  await site.has(2);
  assertEquals((await site.pool.runOnAll(pid)).length, 2);
});
