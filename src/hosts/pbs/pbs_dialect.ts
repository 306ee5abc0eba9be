import type { PbsDialect } from "../../options/pbs_options.ts";
import type { CommandOutcome } from "../launch/run_command.ts";

/** A command whose output shows a dialect. */
export interface DialectTest {
  /** The program and its arguments. */
  readonly args: readonly string[];
  /** Returns the dialect that the output shows, if any. */
  readonly read: (outcome: CommandOutcome) => PbsDialect | undefined;
}

/** The commands that show the dialect, in the order in which they are tried. */
export const DIALECT_TESTS: readonly DialectTest[] = [
  {
    args: ["qstat", "--version"],
    read({ code, stdout, stderr }) {
      if (code !== 0) return undefined;
      const output = `${stdout}\n${stderr}`;
      if (/^pbs_version = /m.test(output)) return "openpbs";
      if (/^Version: /im.test(output)) return "torque";
    },
  },
  {
    // It prints the command that it would run, and runs nothing.
    args: ["qsub", "--sbatchline", "true"],
    read({ code, stdout }) {
      return code === 0 && /^\S*\/sbatch /.test(stdout) ? "slurm" : undefined;
    },
  },
];
