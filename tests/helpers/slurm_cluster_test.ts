import { assert, assertEquals } from "@std/assert";
import { exists, gone, until } from "./processes.ts";
import { SlurmCluster, slurmTest } from "./slurm_cluster.ts";

/** A job that ends only if it is killed, and starts a process that does too. */
const STUBBORN = "trap '' TERM; setsid sleep 1000 & while :; do wait; done";

slurmTest("SlurmCluster runs jobs on two nodes", async () => {
  await using cluster = await SlurmCluster.start();
  const args = ["-N", "2", "srun", "-l", "printenv", "SLURMD_NODENAME"];
  const output = await cluster.run("salloc", "-Q", ...args);
  assertEquals(output.split("\n").sort(), ["0: n1", "1: n2"]);
  await cluster.empty();
});

slurmTest("SlurmCluster.stop() ends jobs and removes the files", async () => {
  const cluster = await SlurmCluster.start();
  await cluster.run("sbatch", "-o", "/dev/null", "--wrap", STUBBORN);
  await until(() => cluster.jobProcesses().length >= 2);
  const pids = cluster.jobProcesses();
  await cluster.stop();
  await Promise.all(pids.map(gone));
  assert(!exists(cluster.folder));
});

slurmTest("SlurmCluster.crashNode() makes Slurm requeue its jobs", async () => {
  await using cluster = await SlurmCluster.start();
  const args = ["-o", "/dev/null", "-w", "n2", "--wrap", STUBBORN];
  await cluster.run("sbatch", ...args);
  await until(() => cluster.jobProcesses("n2").length >= 2);
  await cluster.crashNode("n2");
  await cluster.untilJobs((jobs) => jobs.get("1") === "PENDING");
  await cluster.startNode("n2");
});
