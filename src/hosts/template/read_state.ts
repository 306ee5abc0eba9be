import type { AgentState } from "../launch/launcher.ts";
import type { CommandOutcome } from "../launch/run_command.ts";

/** A state in the first line of the output, and the reason after it. */
const STATE = /^\s*(pending|running|ended)\b[ \t]*(.*)/i;

/**
 * Reads the state of an agent from the end of the command that asks after it.
 * The output counts if it begins with a state; otherwise the exit code does.
 */
export function readState({ code, stdout }: CommandOutcome): AgentState {
  const [, state, reason = ""] = STATE.exec(stdout) ?? [];
  if (state !== undefined) {
    return {
      state: state.toLowerCase() as AgentState["state"],
      reason: reason.trim(),
    };
  }
  return { state: code === 0 ? "running" : "ended", reason: "" };
}
