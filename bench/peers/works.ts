import { percentile } from "../measure.ts";
import { gzipBatches } from "./gzip_batches.ts";
import { type Peer, PEERS, POOL } from "./peers.ts";
import type { Answer, Request, WorkKind } from "./requests.ts";

/** A work that peers are compared by. */
export interface Work {
  /** The heading above its rows. */
  readonly title: string;
  /** The start of its rows' names, one for each figure. */
  readonly names: readonly string[];
  /** The unit of its figures. */
  readonly unit: string;
  /** The number of workers of each peer. */
  readonly workers: number;
  /** The peers that do it. */
  readonly peers: readonly Peer[];
  /** The amount of work that tells how long more takes. */
  readonly first: number;
  /** The amount should be a multiple of this, unless that takes too long. */
  readonly step: number;
  /** The amount of work is never more than this. */
  readonly most: number;
  /**
   * The seconds that a measurement should take, at full effort.
   *
   * @default {0.1}
   */
  readonly targetSeconds?: number;
  /** How often it is repeated at most. */
  readonly repetitions?: number;
  /**
   * The seconds that a measurement may take, at full effort.
   *
   * @default {2}
   */
  readonly mostSeconds?: number;
  /** Returns what a driver is asked to do. */
  request(count: number): Request;
  /** Returns the figures, in the order of the names. */
  figures(answer: Answer, count: number): readonly number[];
}

/** Numbers of calls at once. */
const BATCHES = [10_000, 100_000];

const CHUNK_SIZE = 1_000;

const READERS = ["for-await", "to-array"] as const;

/** Bytes in a payload. */
const PAYLOADS = [2 ** 10, 2 ** 15, 2 ** 20];

/** Microseconds that a task takes in one process. */
const SPINS = [10, 100, 1_000, 10_000];

const WORKER_COUNTS = [1, 2, 4, 8];

/** The peers that are measured with several numbers of workers. */
const SCALED_PEERS: readonly string[] = [
  POOL,
  "piscina",
  "tinypool",
  "workerpool-threads",
  "poolifier-threads",
  "multiprocessing",
];

/** Longer, so the uneven end matters little. */
const REAL_WORK = { targetSeconds: 0.5, repetitions: 3 };

/** All works, in the order in which they are measured. */
export const WORKS: readonly Work[] = [
  ...BATCHES.map((batch): Work => ({
    ...rates("run", `run/${batch}`, batch),
    title: `${batch.toLocaleString("en-US")} calls at once, 2 workers`,
    first: 100,
    step: batch,
    ...batch === 100_000 && { repetitions: 2, mostSeconds: 3 },
  })),
  ...READERS.map((reader): Work => ({
    ...rates(`map/${reader}`, `map/${reader}`, 0),
    title: `Untuned map, ${reader}, 2 workers`,
    first: 100,
    most: 2_000_000,
  })),
  ...READERS.map((reader): Work => ({
    ...rates(`chunks/${reader}`, `chunk-${CHUNK_SIZE}/${reader}`, CHUNK_SIZE),
    title: `Chunks of 1,000, ${reader}, 2 workers`,
    first: 10 * CHUNK_SIZE,
    step: 10 * CHUNK_SIZE,
    most: 2_000_000,
  })),
  roundTrips(),
  ...PAYLOADS.map((bytes) => payload("in", bytes)),
  ...PAYLOADS.map((bytes) => payload("out", bytes)),
  ...SPINS.map((microseconds): Work => ({
    ...speedUp("spin", `spin/${microseconds}`, microseconds),
    title: `Tasks of ${microseconds.toLocaleString("en-US")} µs, 2 workers`,
    first: 20,
    // Few long tasks can't be shared evenly.
    step: 20,
    targetSeconds: microseconds === 10_000 ? 0.3 : 0.2,
  })),
  {
    ...speedUp("primes", "primes", 0),
    title: "Primes, 2 workers",
    first: 200,
    step: 200,
    ...REAL_WORK,
  },
  {
    ...speedUp("gzip", "gzip", 0),
    title: "Files through gzip and back, 2 workers",
    first: 32,
    step: 32,
    ...REAL_WORK,
    request: (count) => ({ work: "gzip", count, size: 0, ...gzipBatches() }),
  },
  ...WORKER_COUNTS.map((workers): Work => ({
    ...rates("run", `workers/${workers}`, BATCHES[0]!),
    title: `10,000 calls at once, workers: ${workers}`,
    workers,
    peers: PEERS.filter(({ name }) => SCALED_PEERS.includes(name)),
    first: 100,
    step: BATCHES[0]!,
    repetitions: 3,
  })),
];

/** What most works have in common. */
function work(kind: WorkKind, name: string, size: number) {
  return {
    names: [name],
    workers: 2,
    peers: PEERS.filter(({ works }) => works.includes(kind)),
    step: 1,
    most: Infinity,
    request: (count: number): Request => ({ work: kind, count, size }),
  };
}

/** A work whose figure is the amount per second. */
function rates(kind: WorkKind, name: string, size: number) {
  return {
    ...work(kind, name, size),
    unit: "/s",
    figures: ({ seconds }: Answer, count: number) => [count / seconds],
  };
}

/** A work whose figure is how much faster it is than one process. */
function speedUp(kind: WorkKind, name: string, size: number) {
  return {
    ...work(kind, name, size),
    unit: "×",
    figures: ({ seconds, alone }: Answer) => [alone! / seconds],
  };
}

function payload(direction: "in" | "out", bytes: number): Work {
  return {
    ...work(`payload/${direction}`, `payload/${direction}/${bytes}`, bytes),
    title: `Payloads of ${bytes / 2 ** 10} KiB ${direction}, 2 workers`,
    unit: "GB/s",
    first: 32,
    figures: ({ seconds }, count) => [count * bytes / 1e9 / seconds],
  };
}

function roundTrips(): Work {
  return {
    ...work("trips", "", 0),
    title: "Round trip, one at a time, 2 workers",
    names: ["round-trip/p50", "round-trip/p99"],
    unit: "µs",
    first: 20,
    most: 4_000,
    figures({ times }) {
      const sorted = times!.toSorted((a, b) => a - b);
      return [percentile(sorted, 0.5), percentile(sorted, 0.99)];
    },
  };
}
