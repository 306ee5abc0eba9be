/**
 * Helpers for launchers.
 *
 * @module
 */

import { assert } from "@std/assert";
import type {
  AgentState,
  Launcher,
  LaunchRequest,
} from "../../src/hosts/launch/launcher.ts";
import { realDelay } from "./real_timers.ts";

/** How long an expected state may take, in milliseconds. */
const TIMEOUT = 60_000;

/** Makes a request for two agents. */
export function launchRequest(
  fields: Partial<LaunchRequest> = {},
): LaunchRequest {
  return {
    name: "pool-1",
    agents: 2,
    workersPerAgent: 3,
    command: ["true"],
    env: {},
    files: [],
    ...fields,
  };
}

/** Asks until an agent has a state; returns it with its reason. */
export async function untilState(
  launcher: Launcher,
  id: string,
  wanted: AgentState["state"],
): Promise<AgentState> {
  const end = performance.now() + TIMEOUT;
  const { signal } = new AbortController();
  while (true) {
    const state = (await launcher.query([id], signal)).get(id);
    if (state?.state === wanted) return state;
    const last = `${state?.state} (${state?.reason})`;
    assert(performance.now() < end, `${id} isn't ${wanted}, but ${last}`);
    await realDelay(5);
  }
}

/** Waits until the output of an agent includes a text; returns the output. */
export async function untilOutput(
  launcher: Launcher,
  id: string,
  wanted: string,
): Promise<string> {
  const end = performance.now() + TIMEOUT;
  while (true) {
    const output = await launcher.output(id);
    if (output.includes(wanted)) return output;
    assert(performance.now() < end, `The output lacks "${wanted}": ${output}`);
    await realDelay(5);
  }
}
