import { bind, Pool } from "../mod.ts";
import { makePayload, PAYLOAD_BYTES } from "./bare_worker.ts";
import {
  BareWorker,
  type Direction,
  FRESH_MODES,
  stream,
  STREAM_MODES,
} from "./limits.ts";
import {
  type Candidate,
  compare,
  type Effort,
  inLoops,
  type Row,
  scaled,
  seconds,
  type Section,
} from "./measure.ts";

const DIRECTIONS: readonly Direction[] = ["in", "out", "both"];

/** The numbers of calls that are in flight or queued. */
const DEPTHS = [2, 16, 256];

/** Payloads in a repetition. */
const RAW_COUNT = 400;
const POOL_COUNT = 512;

/** Measures the transfer of 1 MB values. */
export const payload: Section = {
  title: "Payloads of 1 MB, 2 workers",
  names: DIRECTIONS.flatMap((direction) => [
    ...socketNames(direction),
    ...DEPTHS.map((depth) => poolName(direction, depth)),
  ]),
  run,
};

async function run(
  wanted: ReadonlySet<string>,
  effort: Effort,
): Promise<Row[]> {
  await using pool = new Pool(2);
  await pool.ready;
  const rows: Row[] = [];
  for (const direction of DIRECTIONS) {
    const names = socketNames(direction);
    const candidates = DEPTHS.map((depth) =>
      poolCandidate(pool, direction, depth, effort)
    ).filter(({ name }) => wanted.has(name));
    if (candidates.length === 0 && !names.some((name) => wanted.has(name))) {
      continue;
    }
    rows.push(...await compareDirection(direction, candidates, effort));
  }
  return rows;
}

async function compareDirection(
  direction: Direction,
  candidates: readonly Candidate[],
  effort: Effort,
): Promise<Row[]> {
  await using first = await BareWorker.start(STREAM_MODES[direction]);
  await using second = await BareWorker.start(STREAM_MODES[direction]);
  await using third = await BareWorker.start(FRESH_MODES[direction]);
  await using fourth = await BareWorker.start(FRESH_MODES[direction]);
  const limits = [
    socketCandidate([first], direction, false, effort),
    socketCandidate([first, second], direction, false, effort),
    socketCandidate([third], direction, true, effort),
    socketCandidate([third, fourth], direction, true, effort),
  ];
  return await compare(limits, candidates, "GB/s", effort);
}

function socketCandidate(
  workers: readonly BareWorker[],
  direction: Direction,
  isFresh: boolean,
  effort: Effort,
): Candidate {
  const each = scaled(RAW_COUNT / workers.length, effort);
  return {
    name: socketName(direction, workers.length, isFresh),
    measure: () =>
      gigabytesPerSecond(each * workers.length, () =>
        Promise.all(
          workers.map(({ connection }) =>
            stream(connection, direction, each, isFresh)
          ),
        )),
  };
}

function poolCandidate(
  pool: Pool,
  direction: Direction,
  depth: number,
  effort: Effort,
): Candidate {
  const count = scaled(POOL_COUNT, effort);
  const call = poolCall(pool, direction);
  return {
    name: poolName(direction, depth),
    measure: () => gigabytesPerSecond(count, () => inLoops(depth, count, call)),
  };
}

/** Makes a call that moves a payload, from the same memory each time. */
function poolCall(
  pool: Pool,
  direction: Direction,
): () => Promise<unknown> {
  const payload = makePayload();
  const measure = (bytes: Uint8Array) => bytes.length;
  const pass = (bytes: Uint8Array) => bytes;
  switch (direction) {
    case "in":
      return () => pool.run(measure, payload);
    case "out": {
      // A bound argument is sent once; the worker returns it each time.
      const give = bind(pass, payload);
      return () => pool.run(give);
    }
    case "both":
      return () => pool.run(pass, payload);
  }
}

/** Counts each payload once, even if it goes both ways. */
async function gigabytesPerSecond(
  count: number,
  work: () => Promise<unknown>,
): Promise<number> {
  return count * PAYLOAD_BYTES / 1e9 / await seconds(work);
}

function socketNames(direction: Direction): string[] {
  return [false, true].flatMap((isFresh) =>
    [1, 2].map((sockets) => socketName(direction, sockets, isFresh))
  );
}

function socketName(
  direction: Direction,
  sockets: number,
  isFresh: boolean,
): string {
  return `socket-${isFresh ? "fresh-" : ""}${sockets}/${direction}`;
}

function poolName(direction: Direction, depth: number): string {
  return `payload/${direction}/${depth}`;
}
