import type { MachineInfo } from "../protocol/spawner_messages.ts";
import type { RoundTrips } from "./measure.ts";
import type { Endpoint } from "./find_endpoint.ts";

/** Returns the detail for a step of the start that passed. */
export function startDetail(
  name: string,
  { hostname, address = hostname, port, user, via }: Endpoint,
  machine: MachineInfo | undefined,
): string {
  switch (name) {
    case "name":
      return hostname === address ? hostname : `${hostname} is ${address}`;
    case "connection":
      return via === undefined ? `port ${port}` : `port ${port} via ${via}`;
    case "key":
      return user === undefined ? "" : `lets ${user} in`;
    case "deno":
      return machine === undefined
        ? ""
        : `${machine.deno}, ${machine.platform}`;
    default:
      return "";
  }
}

/** Returns the number of workers and their start time in milliseconds. */
export function workersDetail(workers: number, time: number): string {
  return `${workers} connected in ${rounded(time)} ms`;
}

/** Returns the round trip of a task. */
export function roundTripDetail({ median, count }: RoundTrips): string {
  const of = count === 1 ? "one" : `median of ${count}`;
  const time = median < 10 ? median.toFixed(2) : rounded(median);
  return `${time} ms (${of})`;
}

/** Returns the throughput. */
export function throughputDetail(perSecond: number): string {
  const text = perSecond.toLocaleString("en-US", {
    maximumSignificantDigits: 2,
  });
  return `${text} tasks/s`;
}

/** Returns how far a clock is ahead of this one, given in milliseconds. */
export function clockDetail(offset: number): string {
  const size = Math.abs(offset);
  // Clocks have a resolution of one millisecond.
  if (size < 1) return "less than 1 ms off";
  const time = size < 1_000
    ? `${rounded(size)} ms`
    : `${(size / 1_000).toFixed(1)} s`;
  return `${time} ${offset < 0 ? "behind" : "ahead"}`;
}

/** Returns the size of a machine. */
export function machineDetail({ cpus, memory }: MachineInfo): string {
  const size = memory / 2 ** 30;
  const gigabytes = size < 10 ? size.toFixed(1) : rounded(size);
  return `${cpus} ${cpus === 1 ? "CPU" : "CPUs"}, ${gigabytes} GB`;
}

function rounded(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}
