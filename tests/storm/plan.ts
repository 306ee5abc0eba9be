/**
 * Plans what happens in a storm, and after how many finished tasks. The plan
 * depends only on a seed, not on the speed of the machine.
 *
 * @module
 */

import { Random } from "./random.ts";

/** The weight of each kind of work. */
const WORK = {
  run: 10,
  runInline: 3,
  runLater: 4,
  runBytes: 2,
  submit: 6,
  map: 10,
  mapUnordered: 8,
  mapChunks: 8,
  mapAsync: 4,
  mapTwo: 2,
  mapStar: 2,
  mapBytes: 1,
  mapLeave: 2,
  fail: 3,
  mapFail: 2,
  mapSettled: 3,
  mapJournal: 2,
  killJournal: 0.3,
  noted: 4,
  notedLater: 2,
  mapNoted: 2,
  mapSpeculate: 2,
  runRetried: 3,
  mapRetried: 3,
  mapRetriedSettled: 3,
  exit: 0.6,
  exitOnce: 1,
  mapExit: 0.5,
  mapExitOnce: 1,
  hang: 1.5,
  hangNoted: 0.5,
  mapHang: 1,
  timeout: 3,
  abort: 3,
  mapAbort: 3,
  placed: 3,
  prioritized: 3,
  keyed: 4,
  mapPrioritized: 2,
  mapKeyed: 3,
  onAll: 1,
};

/** The weight of each kind of work whose tasks suddenly take longer. */
const PACE_WORK = {
  runPaces: 4,
  submitPaces: 3,
  placedPaces: 2,
  mapPaces: 6,
  mapPacesChunks: 4,
  mapPacesAbort: 2,
  mapPacesTimeout: 2,
};

/** The weight of each kind of work with streams or messages. */
const STREAM_WORK = {
  stream: 20,
  streamBytes: 4,
  streamStop: 6,
  streamLeave: 12,
  streamAbort: 12,
  streamTimeout: 8,
  streamFail: 5,
  streamExit: 3,
  mapFlat: 8,
  mapFlatUnordered: 8,
  mapFlatLeave: 8,
  readAll: 10,
  readFirst: 6,
  readCancel: 6,
  readFail: 5,
  pipe: 12,
  pipeTwo: 8,
  transform: 10,
  report: 8,
  echo: 6,
};

/** The weight of each kind of disturbance. */
const DISTURBANCES = {
  killWorker: 10,
  killWorkers: 2,
  stopWorker: 6,
  killSsh: 2,
  killSessions: 2,
  killSshSpawner: 1,
  stopSsh: 1,
  restartServer: 2,
  stopServer: 1,
};

/** The weights if hosts can be cut off. */
const NETWORK_DISTURBANCES = { ...DISTURBANCES, cutSsh: 2, cutServer: 2 };

/** The weights of what also happens to clusters. */
const CLUSTER_DISTURBANCES = {
  joinAgent: 8,
  leaveAgent: 4,
  killAgent: 4,
  cancelJob: 4,
  requeueJob: 2,
  preemptJobs: 1,
  crashNode: 1,
  deleteTask: 4,
  deletePod: 3,
  evictPod: 2,
  preemptPod: 2,
  changeHosts: 4,
};

/** A kind of work. */
export type WorkKind =
  | keyof typeof WORK
  | keyof typeof PACE_WORK
  | keyof typeof STREAM_WORK;

/** A kind of disturbance. */
export type DisturbanceKind =
  | keyof typeof NETWORK_DISTURBANCES
  | keyof typeof CLUSTER_DISTURBANCES;

/** What can be disturbed besides processes. */
export interface Disturbed {
  /** Whether hosts can be cut off. */
  readonly network: boolean;
  /** Whether there are clusters. */
  readonly clusters: boolean;
}

/** Some tasks that are called together. */
export interface Work {
  readonly number: number;
  readonly kind: WorkKind;
  /** The number of tasks, or of values of a stream. */
  readonly tasks: number;
  /** Makes all other choices. */
  readonly random: Random;
}

/** A planned failure. */
export interface Disturbance {
  readonly kind: DisturbanceKind;
  /** The number of finished tasks after which it happens. */
  readonly after: number;
  /** The position of the victim among all possible ones, from 0 to 1. */
  readonly victim: number;
  /** How long it lasts, in milliseconds. */
  readonly duration: number;
}

/** Generates the work of a seed without end. */
export function* planWork(seed: number): Generator<Work, never> {
  for (let number = 0;; number++) {
    const random = Random.nth(seed, 1, number);
    const kind = random.weighted<WorkKind>({
      ...WORK,
      ...PACE_WORK,
      ...STREAM_WORK,
    });
    yield { number, kind, tasks: taskCount(kind, random), random };
  }
}

/** Returns the number of tasks, or of values of a stream. */
function taskCount(kind: WorkKind, random: Random): number {
  if (Object.hasOwn(STREAM_WORK, kind)) return valueCount(kind, random);
  if (Object.hasOwn(PACE_WORK, kind)) return random.integer(50, 500);
  switch (kind) {
    case "exit":
    case "hang":
    case "hangNoted":
    case "onAll":
      return 1;
    case "killJournal":
      return random.integer(1_000, 5_000);
    case "exitOnce":
      return random.integer(1, 3);
    case "runBytes":
    case "mapBytes":
      return random.integer(1, 8);
    case "runLater":
    case "timeout":
    case "fail":
      return random.integer(20, 100);
    case "mapExit":
    case "mapExitOnce":
    case "mapHang":
      return random.integer(20, 300);
    default:
      return kind.startsWith("map")
        ? random.integer(200, 3_000)
        : random.integer(50, 400);
  }
}

function valueCount(kind: WorkKind, random: Random): number {
  switch (kind) {
    case "stream":
    case "streamStop":
      // Sometimes more than the credit of a stream.
      return random.integer(0, random.pick([30, 300, 300, 300, 6_000]));
    case "streamBytes":
      return random.integer(1, 20);
    case "mapFlat":
    case "mapFlatUnordered":
    case "mapFlatLeave":
    case "transform":
      return random.integer(20, random.pick([200, 200, 2_000]));
    default:
      return random.integer(1, 300);
  }
}

/**
 * Generates the disturbances of a seed without end.
 *
 * @param pause The average number of finished tasks between two of them.
 */
export function* planDisturbances(
  seed: number,
  pause: number,
  { network, clusters }: Disturbed,
): Generator<Disturbance, never> {
  const weights = {
    ...(network ? NETWORK_DISTURBANCES : DISTURBANCES),
    ...(clusters ? CLUSTER_DISTURBANCES : {}),
  } as Record<DisturbanceKind, number>;
  let after = 0;
  for (let number = 0;; number++) {
    const random = Random.nth(seed, 2, number);
    after += random.integer(1, 2 * pause - 1);
    yield {
      kind: random.weighted<DisturbanceKind>(weights),
      after,
      victim: random.fraction(),
      duration: random.integer(50, 3_500),
    };
  }
}
