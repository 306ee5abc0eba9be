import type { Placement } from "../calls/placement.ts";
import type { ManagedHost } from "../hosts/managed_host.ts";
import { unlabeledPlace } from "../options/place.ts";
import type { WaitingWork } from "../scaling/readings.ts";
import type { Scheduler } from "../scheduling/scheduler.ts";
import { isOneMachine } from "./is_one_machine.ts";

/** The place of hosts whose machines aren't described. */
const NO_PLACE = unlabeledPlace();

/** The most calls that are counted which could have resources now. */
const MAX_FREE = 1_024;

/** Returns the work that waits, with the hosts where more workers could run it. */
export function placedWork(
  scheduler: Scheduler,
  hosts: readonly ManagedHost[],
): WaitingWork[] {
  return scheduler.waitingWork.map(({ placement, items, hasMore }) => {
    const work = { key: placement, hosts: undefined, items, hasMore };
    return placement === undefined
      ? work
      : { ...work, ...limit(placement, items, scheduler, hosts) };
  });
}

/**
 * Returns where calls with a placement may run, and how many of them could run if
 * there were workers: without resources, a further worker would have none.
 */
function limit(
  placement: Placement,
  items: number,
  scheduler: Scheduler,
  hosts: readonly ManagedHost[],
): Pick<WaitingWork, "hosts" | "items"> {
  const matching = hosts.filter(({ name, place = NO_PLACE }) =>
    placement.matches(name, place)
  );
  const growing = new Set<ManagedHost>();
  const wanted = Math.min(Math.max(1, items), MAX_FREE);
  let most = 0;
  for (const host of matching) {
    const { kind, place = NO_PLACE } = host;
    // A further worker of a cluster may come with a machine of its own.
    const free = placement.needs === undefined || !isOneMachine(kind)
      ? Infinity
      : scheduler.free(placement, place, wanted);
    if (free === 0) continue;
    growing.add(host);
    most += free;
  }
  return { hosts: growing, items: Math.min(items, most) };
}
