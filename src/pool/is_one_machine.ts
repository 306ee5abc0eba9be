import type { HostKind } from "../hosts/host.ts";

/** The kinds of hosts that are one machine, where workers start without a queue. */
const MACHINES: readonly HostKind[] = ["local", "inline", "ssh", "spawner"];

/** Returns whether hosts of a kind are one machine, which their workers share. */
export function isOneMachine(kind: HostKind): boolean {
  return MACHINES.includes(kind);
}
