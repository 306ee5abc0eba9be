/**
 * Helpers for launchers.
 *
 * @module
 */

import { assert } from "@std/assert";
import type { HostSpec, Pool, PoolOptions } from "../../mod.ts";
import type {
  AgentState,
  Launcher,
  LaunchRequest,
} from "../../src/hosts/launch/launcher.ts";
import { until } from "./processes.ts";
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

/** Asks for the states of agents until they are as expected; returns them. */
export async function untilStates(
  launcher: Launcher,
  ids: readonly string[],
  expected: (states: ReadonlyMap<string, AgentState>) => boolean,
): Promise<ReadonlyMap<string, AgentState>> {
  const { signal } = new AbortController();
  for (;;) {
    const states = await launcher.query(ids, signal);
    if (expected(states)) return states;
    await realDelay(50);
  }
}

/**
 * Runs a program whose pool has workers that a launcher starts, and which kills
 * itself with SIGKILL.
 *
 * @returns The process id of a worker.
 */
export async function killPool(options: PoolOptions): Promise<number> {
  const program = `
    import { Pool } from ${JSON.stringify(import.meta.resolve("../../mod.ts"))};
    const pool = new Pool(${JSON.stringify(options)});
    console.log(await pool.run(() => Deno.pid));
    Deno.kill(Deno.pid, "SIGKILL");`;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", program],
  }).output();
  const pid = Number(new TextDecoder().decode(stdout));
  assert(pid > 0, new TextDecoder().decode(stderr));
  return pid;
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

/** How the conformance tests use pools whose workers a launcher starts. */
export interface LaunchedKind {
  /** Makes the options of a pool. */
  readonly options: () => PoolOptions;
  /** Waits until all workers are in use. */
  readonly settle: (pool: Pool) => Promise<void>;
  /** The pool is ready once the jobs are accepted. */
  readonly initializerFailure: "calls";
}

/** Makes pools with two workers that a launcher starts. */
export function launchedKind(makeHost: () => HostSpec): LaunchedKind {
  return {
    options: () => ({
      workers: 0,
      hosts: makeHost(),
      listen: { hostname: "127.0.0.1" },
    }),
    settle: (pool) => until(() => pool.stats().workers >= 2),
    initializerFailure: "calls",
  };
}
