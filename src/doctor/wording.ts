import type { MachineInfo } from "../protocol/spawner_messages.ts";
import type { RoundTrips } from "./measure.ts";
import type { Place } from "./find_place.ts";

/** What there is to say about a step of the start that went well. */
export function startStepText(
  name: string,
  { hostname, address = hostname, port, user, via }: Place,
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

/** How many workers have connected, and in how many milliseconds. */
export function workersText(workers: number, time: number): string {
  return `${workers} connected in ${rounded(time)} ms`;
}

/** How long a task took. */
export function roundTripText({ median, count }: RoundTrips): string {
  const of = count === 1 ? "one" : `median of ${count}`;
  const time = median < 10 ? median.toFixed(2) : rounded(median);
  return `${time} ms (${of})`;
}

/** How many tasks are done in a second. */
export function throughputText(perSecond: number): string {
  const text = perSecond.toLocaleString("en-US", {
    maximumSignificantDigits: 2,
  });
  return `${text} tasks/s`;
}

/** How far another clock is ahead of this one, in milliseconds. */
export function clockText(offset: number): string {
  const size = Math.abs(offset);
  // Clocks are read in whole milliseconds.
  if (size < 1) return "less than 1 ms off";
  const time = size < 1_000
    ? `${rounded(size)} ms`
    : `${(size / 1_000).toFixed(1)} s`;
  return `${time} ${offset < 0 ? "behind" : "ahead"}`;
}

/** How large a machine is. */
export function machineText({ cpus, memory }: MachineInfo): string {
  const size = memory / 2 ** 30;
  const gigabytes = size < 10 ? size.toFixed(1) : rounded(size);
  return `${cpus} ${cpus === 1 ? "CPU" : "CPUs"}, ${gigabytes} GB`;
}

function rounded(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}
