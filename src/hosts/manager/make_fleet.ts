import type { ClusterSettings } from "../../options/any_host.ts";
import { unlabeledPlace } from "../../options/place.ts";
import type { PoolSettings } from "../../options/pool_settings.ts";
import { denoPath } from "../../util/deno_path.ts";
import { isGranted } from "../../util/is_granted.ts";
import { type AgentGroups, JOINED_GROUP } from "../agent_groups.ts";
import type { FleetOptions } from "../launch/fleet.ts";
import { JobFolder } from "../launch/job_folder.ts";
import { JoinedFleet } from "../launch/joined_fleet.ts";
import { LaunchedFleet } from "../launch/launched_fleet.ts";
import { workerRequest } from "./make_host.ts";
import { makeLauncher } from "./make_launcher.ts";

/** The name of the host of agents that users start by themselves. */
export const JOINED = "joined";

/** What fleets need of their pool. */
export type FleetParts = Pick<
  FleetOptions,
  "services" | "supervision" | "drain" | "idleTime" | "onChanged" | "report"
>;

/** Makes the host of the agents that users start by themselves. */
export function makeJoinedFleet(
  token: string,
  pool: PoolSettings,
  groups: AgentGroups,
  parts: FleetParts,
): JoinedFleet {
  const { listen } = pool;
  return new JoinedFleet({
    ...parts,
    name: JOINED,
    kind: "joined",
    group: JOINED_GROUP,
    token,
    maxWorkers: listen.maxWorkers,
    listen,
    request: workerRequest({}, pool),
    place: unlabeledPlace(),
    groups,
  });
}

/** Makes a host whose agents a launcher starts. */
export function makeLaunchedFleet(
  host: ClusterSettings,
  pool: PoolSettings,
  groups: AgentGroups,
  parts: FleetParts,
): LaunchedFleet {
  const { name, kind, workers, scaling, workersPerJob, place } = host;
  const folder = new JobFolder(host.folder, machineName());
  const launcher = makeLauncher(host.launcher, folder.path);
  return new LaunchedFleet(
    {
      ...parts,
      name,
      kind,
      group: groups.number(),
      token: crypto.getRandomValues(new Uint8Array(32)).toHex(),
      maxWorkers: workers,
      listen: pool.listen,
      request: workerRequest(host, pool),
      place,
      groups,
    },
    {
      launcher,
      folder: launcher.sharesFiles ? folder : undefined,
      deno: host.deno ?? denoPath(),
      workersPerAgent: workersPerJob,
      ...(scaling === undefined ? {} : { scaling }),
    },
  );
}

function machineName(): string {
  return isGranted({ name: "sys", kind: "hostname" })
    ? Deno.hostname()
    : "localhost";
}
