import { formatDuration } from "../util/format_duration.ts";
import type { HostSituation } from "./host_situation.ts";
import { counted, listed, oneLine } from "./phrases.ts";

/** Lists what keeps workers away. */
export function describeHosts(situations: readonly HostSituation[]): string {
  return listed(situations.map(describeHost), "; ");
}

function describeHost(situation: HostSituation): string {
  const { host } = situation;
  switch (situation.code) {
    case "lost": {
      const { reason, time, left } = situation;
      const again = left === undefined
        ? "is being connected to again"
        : `is tried again in ${formatDuration(left)}`;
      return `the host ${host} was lost ${
        formatDuration(time)
      } ago and ${again} (${oneLine(reason)})`;
    }
    case "connecting":
      return `the pool has been connecting to the host ${host} for ${
        formatDuration(situation.time)
      }`;
    case "starting": {
      const { workers, time } = situation;
      const have = counted(workers, "worker", "has", "have");
      return `${have} been starting on the host ${host} for ${
        formatDuration(time)
      }`;
    }
    case "joining": {
      const { workers } = situation;
      const have = counted(workers, "worker", "has", "have");
      const are = workers === 1 ? "isn't" : "aren't";
      return `${have} connected from the host ${host}, and ${are} initialized yet`;
    }
    case "ready": {
      const { workers } = situation;
      const are = counted(workers, "worker", "is", "are");
      const takes = workers === 1 ? "takes" : "take";
      return `${are} ready on the host ${host}, and ${takes} over when another has ended`;
    }
    case "replacing":
      return `the host ${host} replaces a lost worker in ${
        formatDuration(situation.left)
      }`;
    case "queued": {
      const { jobs, reason } = situation;
      const wait = counted(jobs, "job", "waits", "wait");
      const why = reason === "" ? "" : ` (${reason})`;
      return `${wait} in the queue of the host ${host}${why}`;
    }
    case "jobs": {
      const { jobs, time } = situation;
      const have = counted(jobs, "job", "has", "have");
      return `${have} run for the host ${host} for ${
        formatDuration(time)
      } without connecting`;
    }
    case "awaited":
      return "no worker has joined yet";
    case "failed":
      return `the host ${host} isn't in use (${oneLine(situation.reason)})`;
  }
}
