import { type HostOptions, Pool } from "../mod.ts";
import { startDelayingRelay } from "../tests/helpers/delaying_relay.ts";
import { startSshServer } from "../tests/helpers/ssh_server.ts";
import { Random } from "../tests/helpers/random.ts";
import {
  type Effort,
  type Row,
  row,
  seconds,
  type Section,
  spread,
} from "./measure.ts";
import { canUseSsh } from "./ssh_host.ts";
import { block, wait } from "./wait.ts";

/** How often each map runs at most; waiting takes the same time each time. */
const REPETITIONS = 3;

/** A list of task lengths, in milliseconds, and the workers to share it. */
interface Workload {
  readonly workers: number;
  readonly lengths: readonly number[];
  readonly task: typeof wait | typeof block;
}

/** Where the workers are. */
interface Place {
  /** The delay in each direction to the other machine, in milliseconds. */
  readonly delay: number;
  /** The share of the workers that run there. */
  readonly share: number;
}

/**
 * How often something travels between the pool and the other machine, in one
 * direction, before the last tasks can begin in the best place: tasks out,
 * results back, the request for tasks that wait, these, and tasks out again.
 */
const TRIPS = 5;

const NAMES = ["late-100", "late-200", "mixed", "one-long"] as const;

const ORDERS = { "": true, "/any": false };

const FAR: Readonly<Record<string, Place>> = {
  "sharing-5ms": { delay: 5, share: 1 },
  "sharing-25ms": { delay: 25, share: 1 },
  "sharing-half-5ms": { delay: 5, share: 0.5 },
  "sharing-half-25ms": { delay: 25, share: 0.5 },
};

const LOCAL = [
  ...rowNames("sharing", NAMES),
  ...rowNames("sharing", ["late-100-blocking"]),
];

/** Measures maps of tasks whose lengths differ, or change on the way. */
export const sharing: Section = {
  title: "Maps of unequal tasks that wait, compared with equal shares",
  names: [
    ...LOCAL,
    ...Object.keys(FAR).flatMap((place) => rowNames(place, NAMES)),
  ],
  run,
};

function rowNames(place: string, names: readonly string[]): string[] {
  return names.flatMap((name) =>
    Object.keys(ORDERS).map((order) => `${place}/${name}${order}`)
  );
}

async function run(
  wanted: ReadonlySet<string>,
  effort: Effort,
): Promise<Row[]> {
  const rows: Row[] = [];
  if (LOCAL.some((name) => wanted.has(name))) {
    const makePool = (workers: number) => new Pool(workers);
    rows.push(...await measurePlace("sharing", makePool, 0, wanted, effort));
  }
  const far = sharing.names.filter((name) => !LOCAL.includes(name));
  if (!far.some((name) => wanted.has(name)) || !canUseSsh(far, wanted)) {
    return rows;
  }
  for (const [name, place] of Object.entries(FAR)) {
    if (!far.some((row) => row.startsWith(`${name}/`) && wanted.has(row))) {
      continue;
    }
    rows.push(...await measureFar(name, place, wanted, effort));
  }
  return rows;
}

/** Measures with workers on an ssh host that seems to be far away. */
async function measureFar(
  name: string,
  { delay, share }: Place,
  wanted: ReadonlySet<string>,
  effort: Effort,
): Promise<Row[]> {
  await using server = await startSshServer();
  const { user, sshArgs, address: hostname, port } = server;
  await using relay = startDelayingRelay({ hostname, port }, delay);
  const makePool = (workers: number) => {
    const there = workers * share;
    const hosts: HostOptions = {
      host: `ssh://${user}@127.0.0.1:${relay.port}/${there}`,
      sshArgs,
    };
    return new Pool({ workers: workers - there, hosts });
  };
  return await measurePlace(name, makePool, delay, wanted, effort);
}

/**
 * Measures the wanted rows of a place.
 *
 * @param delay The delay in each direction, in milliseconds.
 */
async function measurePlace(
  place: string,
  makePool: (workers: number) => Pool,
  delay: number,
  wanted: ReadonlySet<string>,
  effort: Effort,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, workload] of Object.entries(workloads(effort))) {
    const orders = Object.entries(ORDERS)
      .map(([suffix, ordered]) => ({
        name: `${place}/${name}${suffix}`,
        ordered,
      }))
      .filter(({ name }) => wanted.has(name));
    if (orders.length === 0) continue;
    await using pool = makePool(workload.workers);
    await pool.ready;
    const ideal = idealSeconds(workload.lengths, workload.workers) +
      TRIPS * delay / 1_000;
    for (const { name, ordered } of orders) {
      const times = await measureMap(pool, workload, ordered, effort);
      const ratios = { ideal: spread(times.map((time) => time / ideal)) };
      rows.push({ ...row(name, "s", times), ratios });
    }
  }
  return rows;
}

/** Returns the times of a map, in seconds. */
async function measureMap(
  pool: Pool,
  { lengths, task }: Workload,
  ordered: boolean,
  { repetitions }: Effort,
): Promise<number[]> {
  const times: number[] = [];
  while (times.length < Math.min(repetitions - 1, REPETITIONS)) {
    times.push(
      await seconds(() => pool.map(task, lengths, { ordered }).toArray()),
    );
  }
  return times;
}

/**
 * Returns the seconds that the tasks would take if the workers shared them
 * perfectly.
 *
 * @param lengths The lengths of the tasks, in milliseconds.
 */
export function idealSeconds(
  lengths: readonly number[],
  workers: number,
): number {
  let total = 0;
  let longest = 0;
  for (const length of lengths) {
    total += length;
    longest = Math.max(longest, length);
  }
  return Math.max(longest, total / workers) / 1_000;
}

/** Returns the work by the names of the rows. */
function workloads({ scale }: Effort): Record<string, Workload> {
  const many = Math.round(5_000 * scale);
  const none = repeat(many, 0);
  const tenths = repeat(many, 0.1);
  const slow = (ms: number) => repeat(40, ms * scale);
  const mixed = [...none, ...repeat(60, 100 * scale)];
  return {
    "late-100": { workers: 4, lengths: [...none, ...slow(100)], task: wait },
    "late-200": { workers: 4, lengths: [...none, ...slow(200)], task: wait },
    "mixed": {
      workers: 4,
      lengths: shuffled(mixed, new Random(1)),
      task: wait,
    },
    "one-long": {
      workers: 2,
      lengths: [...tenths, 1_000 * scale, ...tenths],
      task: wait,
    },
    "late-100-blocking": {
      workers: 4,
      lengths: [...none, ...slow(100)],
      task: block,
    },
  };
}

function repeat(count: number, length: number): number[] {
  return new Array<number>(count).fill(length);
}

/** Returns the elements in a random order. */
export function shuffled<T>(list: readonly T[], random: Random): T[] {
  const copy = [...list];
  for (let at = copy.length - 1; at > 0; at--) {
    const other = random.below(at + 1);
    [copy[at], copy[other]] = [copy[other]!, copy[at]!];
  }
  return copy;
}
