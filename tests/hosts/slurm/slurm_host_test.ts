import { assert, assertEquals, assertRejects } from "@std/assert";
import { BrokenPoolError, HostError, Pool } from "../../../mod.ts";
import { explained } from "../../helpers/explained.ts";
import { exists, killNow, until } from "../../helpers/processes.ts";
import { sharedSlurm, slurmTest } from "../../helpers/slurm_cluster.ts";
import {
  hostOf,
  slurmOptions,
  untilWorkers,
} from "../../helpers/batch_pools.ts";

const shared = sharedSlurm();

const PROGRAM = new URL("../../programs/slurm_pool.ts", import.meta.url).href;

const XS = Array.from({ length: 100 }, (_, x) => x);

/** Returns the folders of pools. */
function folders(): string[] {
  return [...Deno.readDirSync(shared.cluster.folder)]
    .filter(({ name, isDirectory }) => isDirectory && name !== "daemons")
    .map(({ name }) => name);
}

/** Returns the arguments of `deno` that run the program. */
function programArgs(host: object, mode = ""): string[] {
  const options = JSON.stringify(slurmOptions(shared.cluster, host));
  return ["run", "-A", PROGRAM, options, mode];
}

slurmTest(
  "a pool runs tasks in jobs, and leaves nothing in Slurm",
  async () => {
    {
      await using pool = new Pool(slurmOptions(shared.cluster));
      assertEquals(
        await pool.map((x: number) => 2 * x, XS).toArray(),
        XS.map((x) => 2 * x),
      );
      await untilWorkers(pool, 2);
      const { name, kind, workers, done } = hostOf(pool);
      assertEquals([name, kind, workers, done], ["main", "slurm", 2, 100]);
    }
    await shared.cluster.empty();
    assertEquals(folders(), []);
  },
);

slurmTest("a pool runs tasks in one job if 'array' is false", async () => {
  await using pool = new Pool(slurmOptions(shared.cluster, {
    host: "slurm://main/6",
    workersPerJob: 2,
    array: false,
  }));
  await untilWorkers(pool, 6);
  const jobs = await pool.runOnAll(() => Deno.env.get("SLURM_JOB_ID"));
  assertEquals(new Set(jobs).size, 1);
  // The agent that has ended is replaced, in a job of its own.
  const pids = await pool.runOnAll(() => Deno.ppid);
  Deno.kill(pids[0]!, "SIGTERM");
  await until(() => pool.stats().workers === 4);
  await untilWorkers(pool, 6);
  const later = await pool.runOnAll(() => Deno.env.get("SLURM_JOB_ID"));
  assertEquals(new Set(later).size, 2);
});

slurmTest(
  "a pool shows its token neither to Slurm nor to other users",
  async () => {
    const { cluster } = shared;
    Deno.env.set("SECRET", "the program's");
    const host = { host: "slurm://main/1", sbatchArgs: ["--export=NONE"] };
    await using pool = new Pool(slurmOptions(cluster, host));
    // Jobs needn't have the environment of the program.
    assertEquals(await pool.run(() => Deno.env.get("SECRET")), undefined);
    const folder = `${cluster.folder}/${folders()[0]}`;
    assertEquals(Deno.statSync(folder).mode! & 0o777, 0o700);
    assertEquals(Deno.statSync(`${folder}/token`).mode! & 0o777, 0o600);
    const token = await Deno.readTextFile(`${folder}/token`);
    const [job = ""] = (await cluster.jobs()).keys();
    const script = await cluster.run(
      "scontrol",
      "write",
      "batch_script",
      job,
      "-",
    );
    assert(script.includes(`${folder}/token`));
    const shown = [
      script,
      await cluster.run("scontrol", "show", "job", job),
      ...cluster.jobProcesses().map((pid) =>
        Deno.readTextFileSync(`/proc/${pid}/cmdline`)
      ),
    ];
    assert(!shown.some((text) => text.includes(token)));
    Deno.env.delete("SECRET");
  },
);

slurmTest("a pool explains that its jobs wait in Slurm's queue", async () => {
  const host = { sbatchArgs: ["--hold"] };
  await using pool = new Pool(slurmOptions(shared.cluster, host));
  const future = pool.submit((x: number) => x, 1);
  await explained(
    pool,
    /^The task '.+' waits for a worker: 2 jobs wait in the queue of the host main \(JobHeldUser\)\.$/,
    future,
  );
  future.cancel();
});

slurmTest("a pool reports in Slurm's words why it can't be used", async () => {
  const host = { host: "slurm://nope/2" };
  await using pool = new Pool(slurmOptions(shared.cluster, host));
  const { cause } = await assertRejects(() => pool.ready, BrokenPoolError);
  assert(cause instanceof HostError);
  assertEquals([cause.host, cause.step], ["nope", "launcher"]);
  assert(cause.message.includes("invalid partition specified: nope"));
});

slurmTest(
  "a pool whose program is killed leaves nothing in Slurm",
  async () => {
    // There are eight CPUs, so that four jobs wait.
    const host = { host: "slurm://main/12" };
    const child = new Deno.Command(Deno.execPath(), {
      args: programArgs(host, "stay"),
      stdout: "piped",
      stderr: "null",
      detached: true,
    }).spawn();
    const reader = child.stdout.pipeThrough(new TextDecoderStream())
      .getReader();
    assertEquals((await reader.read()).value, "ready\n");
    await shared.cluster.untilJobs((jobs) =>
      [...jobs.values()].toSorted().join() ===
        [...Array(4).fill("PENDING"), ...Array(8).fill("RUNNING")].join()
    );
    killNow(child.pid);
    await child.status;
    await reader.cancel();
    await shared.cluster.empty();
    await until(() => folders().length === 0);
  },
);

slurmTest(
  "a program that is killed while it asks for jobs leaves none",
  async () => {
    const { cluster } = shared;
    const bin = `${cluster.folder}/bin`;
    const path = Deno.env.get("PATH")!;
    await Deno.mkdir(bin);
    // This asks for the jobs once the program is dead.
    const late = `#!/bin/sh
cat >${bin}/script
touch ${bin}/begun
while kill -0 $PPID; do sleep 0.1; done 2>/dev/null
PATH='${path}' sbatch "$@" <${bin}/script >/dev/null && touch ${bin}/done
`;
    await Deno.writeTextFile(`${bin}/sbatch`, late, { mode: 0o755 });
    const child = new Deno.Command(Deno.execPath(), {
      args: programArgs({ sbatchArgs: ["--hold"] }, "stay"),
      env: { PATH: `${bin}:${path}` },
      stdout: "null",
      stderr: "null",
      detached: true,
    }).spawn();
    await until(() => exists(`${bin}/begun`));
    killNow(child.pid);
    await child.status;
    await until(() => exists(`${bin}/done`));
    await cluster.empty();
    await until(() => folders().join() === "bin");
    await Deno.remove(bin, { recursive: true });
  },
);

slurmTest(
  "slurm:// uses the nodes of the job in which the program runs",
  async () => {
    const { cluster } = shared;
    const args = programArgs({ host: "slurm://" });
    const nodes = ["-N2", "--exclusive"];
    const { stdout, stderr } = await cluster.tryRun(
      "salloc",
      "-Q",
      ...nodes,
      Deno.execPath(),
      ...args,
    );
    assertEquals([stdout, stderr], ["n1 n1 n1 n1 n2 n2 n2 n2\n", ""]);
    await cluster.empty();
    assertEquals(folders(), []);
  },
);

slurmTest(
  "slurm:// takes agents that connect before Slurm has shown their step",
  async () => {
    const { cluster } = shared;
    const bin = `${cluster.folder}/bin`;
    const path = Deno.env.get("PATH")!;
    await Deno.mkdir(bin);
    const slow = `#!/bin/sh\nsleep 2\nPATH='${path}' exec squeue "$@"\n`;
    await Deno.writeTextFile(`${bin}/squeue`, slow, { mode: 0o755 });
    const { stdout, stderr } = await cluster.tryRun(
      "salloc",
      ...["-Q", "-N2", "--exclusive", "env", `PATH=${bin}:${path}`],
      ...[Deno.execPath(), ...programArgs({ host: "slurm://" })],
    );
    await Deno.remove(bin, { recursive: true });
    assertEquals([stdout, stderr], ["n1 n1 n1 n1 n2 n2 n2 n2\n", ""]);
  },
);

slurmTest("slurm:// works in a batch job", async () => {
  const { cluster } = shared;
  const file = `${cluster.folder}/batch.out`;
  const script = `${cluster.folder}/batch.sh`;
  const quoted = [Deno.execPath(), ...programArgs({ host: "slurm://" })]
    .map((arg) => `'${arg}'`);
  await Deno.writeTextFile(script, `#!/bin/sh\nexec ${quoted.join(" ")}\n`);
  const nodes = ["-N2", "--exclusive", "--mem-per-cpu=200"];
  await cluster.run("sbatch", ...nodes, "-o", file, script);
  await cluster.empty();
  assertEquals(await Deno.readTextFile(file), "n1 n1 n1 n1 n2 n2 n2 n2\n");
});
