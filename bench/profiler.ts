/**
 * Profiles the process that it runs in. Workers load it as a module of tasks.
 *
 * @module
 */

import { Session } from "node:inspector";
import process from "node:process";

/** Microseconds between two samples. */
const INTERVAL = 200;

/** A function in V8's profile. */
interface ProfileNode {
  readonly id: number;
  readonly callFrame: {
    readonly functionName: string;
    readonly url: string;
    readonly lineNumber: number;
  };
  readonly hitCount?: number;
}

/** How many samples of a process were in a function itself. */
export interface Hits {
  /** The function's name. */
  readonly name: string;
  /** The module of the function; empty for V8's own code. */
  readonly url: string;
  readonly hits: number;
}

let session: Session | undefined;

/** Starts profiling. */
export async function startProfile(): Promise<void> {
  session = new Session();
  session.connect();
  await post("Profiler.enable");
  await post("Profiler.setSamplingInterval", { interval: INTERVAL });
  await post("Profiler.start");
}

/** Stops profiling, and returns the samples by function. */
export async function stopProfile(): Promise<Hits[]> {
  const { profile } = await post("Profiler.stop") as {
    profile: { nodes: readonly ProfileNode[] };
  };
  session?.disconnect();
  const hits = new Map<string, Hits>();
  for (const { callFrame, hitCount = 0 } of profile.nodes) {
    const { functionName, url, lineNumber } = callFrame;
    const name = functionName === "" ? `line ${lineNumber + 1}` : functionName;
    const key = `${name} ${url}`;
    hits.set(key, { name, url, hits: (hits.get(key)?.hits ?? 0) + hitCount });
  }
  return [...hits.values()].filter(({ hits }) => hits > 0);
}

/** Returns the CPU time of this process with all its threads, in microseconds. */
export function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

function post(method: string, parameters: object = {}): Promise<unknown> {
  return new Promise((resolve, reject) => {
    session!.post(
      method,
      parameters,
      (error: Error | null, result?: object) => {
        if (error === null) resolve(result);
        else reject(error);
      },
    );
  });
}
