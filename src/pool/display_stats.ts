import {
  DISPLAY,
  displayTable,
  type MediaBundle,
  type TableCell,
} from "../util/display_table.ts";
import type { PendingAgents } from "../hosts/managed_host.ts";
import type { PoolStats } from "./stats.ts";

/** The name of the row with the numbers of all hosts. */
const ALL = "all";

/**
 * Makes a notebook display statistics as a table. They stay a plain object: the
 * method isn't enumerable.
 */
export function displayable(stats: PoolStats): PoolStats {
  return Object.defineProperty(stats, DISPLAY, {
    value: () => displayStats(stats),
    writable: true,
    configurable: true,
  });
}

/** Formats statistics as a table with a row for each host and one for all. */
export function displayStats(stats: PoolStats): MediaBundle {
  const { hosts } = stats;
  const hasPending = hosts.some(({ pending }) => pending !== undefined);
  const hasErrors = hosts.some(({ error }) => error !== undefined);
  const columns = [
    "host",
    "kind",
    "workers",
    "queued",
    "running",
    "done",
    "failed",
    "busy (s)",
    "lost",
    ...(hasPending ? ["pending"] : []),
    ...(hasErrors ? ["error"] : []),
  ];
  const rows = hosts.map((host): TableCell[] => [
    host.name,
    host.kind,
    host.workers,
    "",
    host.running,
    host.done,
    host.failed,
    seconds(host.busy),
    host.lost,
    ...(hasPending ? [describe(host.pending)] : []),
    ...(hasErrors ? [host.error?.message ?? ""] : []),
  ]);
  const all: TableCell[] = [
    ALL,
    "",
    stats.workers,
    stats.queued,
    stats.running,
    stats.done,
    stats.failed,
    seconds(hosts.reduce((busy, host) => busy + host.busy, 0)),
    hosts.reduce((lost, host) => lost + host.lost, 0),
    ...(hasPending ? [""] : []),
    ...(hasErrors ? [""] : []),
  ];
  return displayTable(columns, [...rows, all]);
}

function describe(pending: PendingAgents | undefined): string {
  if (pending === undefined) return "";
  const { agents, reason } = pending;
  return reason === "" ? String(agents) : `${agents} (${reason})`;
}

/** Rounds milliseconds to tenths of a second. */
function seconds(milliseconds: number): number {
  return Math.round(milliseconds / 100) / 10;
}
