import { pause } from "../../util/pause.ts";
import type { Launcher } from "./launcher.ts";
import type { RequestedAgents } from "./requested_agents.ts";

/** How long agents may take to end by themselves, in milliseconds. */
const STOP_TIMEOUT = 3_000;

/** The pause before the launcher is asked whether they have, in milliseconds. */
const FIRST_STOP_POLL = 100;

/**
 * Waits until all agents have ended by themselves, up to a time limit, and
 * removes those that have.
 *
 * @param now Returns the time, in milliseconds.
 */
export async function allEnded(
  agents: RequestedAgents,
  launcher: Launcher,
  now: () => number,
): Promise<void> {
  const begin = now();
  const { signal } = new AbortController();
  let wait = FIRST_STOP_POLL;
  while (agents.size > 0 && now() - begin < STOP_TIMEOUT) {
    await pause(wait);
    wait *= 2;
    const ids = agents.ids;
    const states = await launcher.query(ids, signal).catch(() => undefined);
    if (states === undefined) return;
    for (const id of ids) {
      if ((states.get(id)?.state ?? "ended") === "ended") agents.remove(id);
    }
  }
}
