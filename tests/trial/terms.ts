import { bucketOf } from "../../src/calls/key_bucket.ts";
import { Placement } from "../../src/calls/placement.ts";
import { retrySettings } from "../../src/options/retry_options.ts";
import type { Random } from "../helpers/random.ts";
import type { WorkTerms } from "./work.ts";

/** Where calls may run. */
interface Affinity {
  readonly placement?: Placement | undefined;
  readonly bucket?: number;
}

/** What the machine of each host has. */
export const HOSTS = {
  a: { gpu: 2 },
  b: { memory: 64e9 },
} as const;

/** The name of a host. */
export type HostName = keyof typeof HOSTS;

const keyed = Placement.of({ isKeyed: true });
const keyedGpu = Placement.of({ isKeyed: true, resources: { gpu: 1 } });

/** Where calls may run in a trial; half of them may run anywhere. */
const AFFINITIES: readonly [Affinity, ...Affinity[]] = [
  { placement: Placement.of({ host: "a" }) },
  { placement: Placement.of({ host: "b" }) },
  { placement: Placement.of({ resources: { gpu: 0.5 } }) },
  { placement: Placement.of({ resources: { gpu: 1 } }) },
  { placement: Placement.of({ resources: { gpu: 2 } }) },
  { placement: Placement.of({ resources: { memory: 40e9 } }) },
  { placement: keyed, bucket: bucketOf("p") },
  { placement: keyed, bucket: bucketOf("q") },
  { placement: keyed, bucket: bucketOf("r") },
  { placement: keyedGpu, bucket: bucketOf("p") },
  { placement: keyedGpu, bucket: bucketOf("q") },
  {},
  {},
  {},
  {},
  {},
  {},
  {},
];

/** Returns terms of a call or a map, with some that are given. */
export function randomTerms(
  random: Random,
  given: { readonly retries: number; readonly attempts?: number },
): WorkTerms {
  const { retries, attempts = 1 + random.below(3) } = given;
  const retry = attempts === 1 ? undefined : retrySettings({
    attempts,
    minTimeout: random.pick([0, 1, 20]),
    maxTimeout: 20,
    jitter: 0,
  });
  const priority = random.pick([undefined, undefined, -1, 1]);
  return { ...random.pick(AFFINITIES), retries, retry, priority };
}
