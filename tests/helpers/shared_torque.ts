/**
 * The commands of Torque for a Slurm cluster of a test.
 *
 * @module
 */

import { Environment } from "./environment.ts";
import { exists } from "./processes.ts";
import {
  type SharedSlurm,
  SlurmCluster,
  slurmProblem,
} from "./slurm_cluster.ts";
import { findProgram } from "./ssh_files.ts";

/**
 * The folder with the files of the package slurm-wlm-torque, which can't be
 * installed beside Grid Engine's commands: they have the same names.
 */
const PACKAGE = Deno.env.get("SLURM_TORQUE") ??
  "/usr/local/lib/slurm-wlm-torque";

const TORQUE_COMMANDS = ["qsub", "qstat", "qdel"] as const;

/** Those of Torque search for these in their own folder. */
const SLURM_COMMANDS = ["sbatch", "salloc", "srun"] as const;

/** Succeeds if the module is installed; only a cluster's machine can load it. */
const FIND_MODULE = 'for (@INC) { exit 0 if -e "$_/Slurmdb.pm" } exit 1';

/** Why this machine can't run the commands of Torque, if so. */
export const torqueProblem: string | undefined = slurmProblem ?? findProblem();

function findProblem(): string | undefined {
  if (!exists(`${PACKAGE}/usr/bin/qsub`)) {
    return `unpack the package slurm-wlm-torque in ${PACKAGE}`;
  }
  const args = ["-e", FIND_MODULE];
  const { success } = new Deno.Command("perl", { args }).outputSync();
  if (!success) return "install the package libslurmdb-perl";
}

/** Declares a test that needs the commands of Torque, like `Deno.test`. */
export function torqueTest(
  name: string,
  fn: () => void | Promise<void>,
  options: Pick<Deno.TestDefinition, "sanitizeOps" | "sanitizeResources"> = {},
): void {
  if (torqueProblem) name += ` (skipped: ${torqueProblem})`;
  Deno.test({ ...options, name, fn, ignore: torqueProblem !== undefined });
}

/**
 * Starts a cluster before the tests of a file, and stops it after them. This
 * process finds the cluster and the commands of Torque.
 */
export function sharedTorque(): SharedSlurm {
  let cluster: SlurmCluster | undefined;
  let environment: Environment | undefined;
  Deno.test.beforeAll(async () => {
    if (torqueProblem !== undefined) return;
    cluster = await SlurmCluster.start();
    environment = new Environment(torqueEnv(cluster));
  });
  Deno.test.afterAll(async () => {
    environment?.[Symbol.dispose]();
    await cluster?.stop();
  });
  return {
    get cluster() {
      return cluster!;
    },
  };
}

/**
 * Makes a folder with the commands, which ends with the cluster.
 *
 * @returns Environment variables with which programs find the commands and the
 * cluster.
 */
export function torqueEnv(cluster: SlurmCluster): Record<string, string> {
  const bin = `${cluster.folder}/torque`;
  Deno.mkdirSync(bin);
  for (const name of TORQUE_COMMANDS) {
    Deno.symlinkSync(`${PACKAGE}/usr/bin/${name}`, `${bin}/${name}`);
  }
  for (const name of SLURM_COMMANDS) {
    Deno.symlinkSync(findProgram(name)!, `${bin}/${name}`);
  }
  return { ...cluster.env, PATH: `${bin}:${Deno.env.get("PATH")}` };
}
