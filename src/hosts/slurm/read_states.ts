import type { AgentState } from "../launch/launcher.ts";

/** The format of `squeue` that {@linkcode readStates} reads. */
export const STATE_FORMAT = "%i|%T|%r";

/** The states of jobs that wait, or will run again. */
const PENDING = new Set([
  "PENDING",
  "CONFIGURING",
  "REQUEUED",
  "REQUEUE_FED",
  "REQUEUE_HOLD",
  "RESV_DEL_HOLD",
  "SPECIAL_EXIT",
]);

/**
 * The states of jobs that have begun and aren't over. A job that is completing
 * may still be requeued.
 */
const RUNNING = new Set([
  "RUNNING",
  "COMPLETING",
  "RESIZING",
  "SIGNALING",
  "STAGE_OUT",
  "STOPPED",
  "SUSPENDED",
]);

/** A job's id, its state and the reason. */
const LINE = /^(\d+(?:_\d+)?)\|([A-Z_]+)\|(.*)$/;

/**
 * Reads the states of jobs from the output of `squeue`, which may have other
 * lines too, such as the name of a cluster.
 *
 * @param output Lines in {@linkcode STATE_FORMAT}.
 * @returns The states by the id of the job, such as `12` or `12_3`.
 * @see {@link https://slurm.schedmd.com/squeue.html#SECTION_JOB-STATE-CODES}
 */
export function readStates(output: string): Map<string, AgentState> {
  const states = new Map<string, AgentState>();
  for (const line of output.split("\n")) {
    const [, job, code, reason] = line.match(LINE) ?? [];
    if (job !== undefined) states.set(job, toState(code!, reason!));
  }
  return states;
}

function toState(code: string, reason: string): AgentState {
  const hasReason = reason !== "" && reason !== "None";
  if (code === "PENDING") {
    return { state: "pending", reason: hasReason ? reason : "" };
  }
  if (PENDING.has(code)) return { state: "pending", reason: code };
  if (RUNNING.has(code)) {
    return { state: "running", reason: code === "RUNNING" ? "" : code };
  }
  return { state: "ended", reason: hasReason ? `${code} (${reason})` : code };
}
