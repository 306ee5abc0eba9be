import { assert, assertEquals } from "@std/assert";
import {
  type GridEngine,
  gridEngineTest,
  startGridEngine,
} from "./grid_engine.ts";
import { exists, isAlive, until } from "./processes.ts";

/** A job whose tasks write their process ids to files, and wait. */
const JOB = `#!/bin/sh
echo $$ >"$SGE_ROOT/pids/new.$SGE_TASK_ID"
mv "$SGE_ROOT/pids/new.$SGE_TASK_ID" "$SGE_ROOT/pids/$SGE_TASK_ID"
exec sleep 1000
`;

/** Starts two tasks; returns their processes and the id of their job. */
async function startTasks(
  engine: GridEngine,
): Promise<{ job: string; pids: number[] }> {
  const { folder } = engine;
  await Deno.mkdir(`${folder}/pids`);
  await Deno.writeTextFile(`${folder}/job`, JOB);
  const args = ["-terse", "-q", "all.q", "-t", "1-2", `${folder}/job`];
  const [job] = (await engine.run("qsub", ...args)).split(".");
  const files = ["1", "2"].map((name) => `${folder}/pids/${name}`);
  await until(() => files.every(exists), engine.logs());
  const pids = files.map((path) => Number(Deno.readTextFileSync(path)));
  return { job: job!, pids };
}

gridEngineTest("GridEngine.killExecd() leaves the jobs running", async () => {
  await using engine = await startGridEngine();
  const { job, pids } = await startTasks(engine);
  assertEquals([...(await engine.tasks()).keys()], [`${job}.1`, `${job}.2`]);
  await engine.killExecd();
  assert(pids.every(isAlive));
  await engine.startExecd();
  await engine.run("qdel", job);
  await until(() => !pids.some(isAlive));
});

gridEngineTest(
  "GridEngine.stop() ends its daemons and all jobs, and removes its folder",
  async () => {
    await using engine = await startGridEngine();
    const { pids } = await startTasks(engine);
    await engine.stop();
    assert(!pids.some(isAlive));
    assert(!exists(engine.folder));
  },
);

gridEngineTest(
  "GridEngine leaves nothing when its process is killed",
  async () => {
    const program = `
      import { startGridEngine } from ${
      JSON.stringify(import.meta.resolve("./grid_engine.ts"))
    };
      const engine = await startGridEngine();
      await engine.run("qsub", "-t", "1-2", "-b", "y", "sleep", "1000");
      const pid = Number(
        await Deno.readTextFile(\`\${engine.folder}/sge_qmaster.pid\`),
      );
      console.log(JSON.stringify({ folder: engine.folder, pid }));
      Deno.kill(Deno.pid, "SIGKILL");`;
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["eval", program],
    }).output();
    const text = new TextDecoder().decode(stdout);
    assert(text !== "", new TextDecoder().decode(stderr));
    const { folder, pid }: { folder: string; pid: number } = JSON.parse(text);
    await until(() => !exists(folder));
    assert(!isAlive(pid));
  },
);
