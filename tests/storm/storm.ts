/**
 * A pool with workers of every kind, whose tasks, workers and hosts fail in all
 * ways. Each call must return the right answer or reject as documented, each
 * value of a stream must come once and in order, or the stream must fail as
 * documented, and nothing may remain at the end.
 *
 * @module
 */

import { Pool } from "../../mod.ts";
import * as args from "./arguments.ts";
import * as calls from "./calls.ts";
import { RETRIES, type Scene } from "./calls.ts";
import { Disturber } from "./disturber.ts";
import * as journals from "./journals.ts";
import { findLeaks, type Levels, levels } from "./leaks.ts";
import { Ledger } from "./ledger.ts";
import * as maps from "./maps.ts";
import * as paces from "./paces.ts";
import {
  planDisturbances,
  planWork,
  type Work,
  type WorkKind,
} from "./plan.ts";
import * as retried from "./retried.ts";
import type { StormSite } from "./site.ts";
import { Sources } from "./source.ts";
import * as streams from "./streams.ts";

/** The longest time in which no task finishes, in milliseconds. */
const MAX_SILENCE = 60_000;

/** How many pieces of work run at the same time. */
const LANES = 8;

/** The options of a storm. */
export interface StormOptions {
  readonly seed: number;
  /** The number of tasks to call. */
  readonly tasks: number;
  /** How long to call tasks, in milliseconds. */
  readonly duration: number;
  /** The average number of finished tasks between two disturbances. */
  readonly pause: number;
  /** How values are sent. */
  readonly codec: "msgpack" | "structured";
}

/** The outcome of a storm. */
export interface StormReport {
  readonly tasks: number;
  readonly seconds: number;
  readonly outcomes: Record<string, number>;
  readonly disturbances: Record<string, number>;
  readonly lost: Record<string, number>;
  /** The number of sources that were arguments. */
  readonly sources: number;
  readonly heap: string;
  /** Descriptions of everything that was wrong. */
  readonly faults: readonly string[];
  /** The last events. */
  readonly events: readonly string[];
}

const KINDS: Record<WorkKind, (scene: Scene, work: Work) => Promise<void>> = {
  ...calls,
  ...maps,
  ...journals,
  ...paces,
  ...retried,
  ...streams,
  ...args,
};

/** Runs a storm at a site. */
export async function storm(
  site: StormSite,
  options: StormOptions,
): Promise<StormReport> {
  const { seed, pause } = options;
  const begin = performance.now();
  const before = await levels();
  const ledger: Ledger = new Ledger((finished) =>
    disturber.progressed(finished)
  );
  const disturbances = planDisturbances(seed, pause, {
    network: site.network !== undefined,
    clusters: site.clusters !== undefined,
  });
  const disturber = new Disturber(site, ledger, disturbances);
  const pool = makePool(site, options);
  disturber.pool = pool;
  const scene = makeScene(site, pool, ledger);
  await watched(scene, site, options, disturber);
  for (const leak of await findLeaks(site, before)) {
    ledger.fault(`left: ${leak}`);
  }
  const { hosts } = pool.stats();
  if (!hosts.some(({ lost }) => lost > 0)) ledger.fault("no worker was lost");
  const after = await levels();
  return {
    tasks: ledger.finished,
    seconds: Math.round((performance.now() - begin) / 1_000),
    outcomes: Object.fromEntries(ledger.outcomes),
    disturbances: Object.fromEntries(disturber.counts),
    lost: Object.fromEntries(hosts.map(({ name, lost }) => [name, lost])),
    sources: scene.sources.opened,
    heap: `${megabytes(before)} MB before, ${megabytes(after)} MB after`,
    faults: ledger.faults,
    events: ledger.events,
  };
}

/** Does all work until the pool is shut down, or no task finishes any more. */
async function watched(
  scene: Scene,
  site: StormSite,
  options: StormOptions,
  disturber: Disturber,
): Promise<void> {
  const { pool, ledger } = scene;
  using watch = new Watch(ledger);
  const whole = work(scene, options).then(async () => {
    await disturber.calm();
    await ledger.settled("shutdown", pool.shutdown());
    return true;
  });
  if (await Promise.race([whole, watch.silence])) {
    countNotes(scene);
    checkClosed(scene);
  } else {
    ledger.fault(`nothing has finished for ${MAX_SILENCE} ms`);
    ledger.fault(Deno.inspect(pool.stats(), { depth: 4 }));
    ledger.fault(pool.explain());
    const processes = site.poolProcesses().map(({ command }) => command);
    ledger.event(`there are ${processes.join("\n")}`);
  }
  for (const what of ledger.unsettled) ledger.fault(`unsettled: ${what}`);
}

function makePool(site: StormSite, { seed, codec }: StormOptions): Pool {
  return new Pool({
    workers: site.workers,
    hosts: [
      ...site.hosts.map((host) => ({ ...host, fanout: seed % 3 === 0 })),
      ...site.clusters?.hosts ?? [],
    ],
    env: site.env,
    ...(site.clusters === undefined ? {} : { listen: site.clusters.listen }),
    retries: RETRIES,
    maxRestarts: Infinity,
    cancelGrace: 200,
    heartbeatTimeout: 2_000,
    startTimeout: 20_000,
    hostTimeout: MAX_SILENCE / 2,
    stdio: "null",
    codec,
    concurrency: seed % 2 === 0 ? 4 : 1,
    maxTasksPerWorker: seed % 5 === 0 ? 300 : Infinity,
    maxMemory: seed % 5 < 2 ? "2G" : Infinity,
  });
}

function makeScene(site: StormSite, pool: Pool, ledger: Ledger): Scene {
  return {
    pool,
    ledger,
    notes: site.notes,
    hosts: ["local", ...site.hosts.map(({ name }) => name!)],
    limits: new Map(),
    sources: new Sources(),
  };
}

/** Does the planned amount of work. */
async function work(
  scene: Scene,
  { seed, tasks, duration }: StormOptions,
): Promise<void> {
  await scene.ledger.settled("ready", scene.pool.ready);
  const end = performance.now() + duration;
  const plan = planWork(seed);
  let begun = 0;
  async function lane(): Promise<void> {
    while (begun < tasks && performance.now() < end) {
      const work = plan.next().value;
      begun += work.tasks;
      await KINDS[work.kind](scene, work);
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane));
}

/** Checks that no task began more often than allowed. */
function countNotes({ notes, limits, ledger }: Scene): void {
  const begun = new Map<number, number>();
  for (const { name } of Deno.readDirSync(notes)) {
    if (!/^\d+$/.test(name)) continue;
    const lines = Deno.readTextFileSync(`${notes}/${name}`).split("\n");
    for (const x of lines.filter((line) => line !== "").map(Number)) {
      begun.set(x, (begun.get(x) ?? 0) + 1);
    }
  }
  for (const [x, times] of begun) {
    const most = limits.get(x) ?? 0;
    if (times > most) {
      ledger.fault(`${x} has begun ${times} times, and may ${most} times`);
    }
  }
}

/** Checks that no call is pending, and that all sources were closed. */
function checkClosed({ pool, sources, ledger }: Scene): void {
  const { queued, running } = pool.stats();
  if (queued + running > 0) {
    ledger.fault(`${queued} calls are queued, and ${running} are running`);
  }
  const explanation = pool.explain();
  if (explanation !== "The pool was shut down.") ledger.fault(explanation);
  for (const { name, taken } of sources.open) {
    ledger.fault(`${name}: the source is open after ${taken} values`);
  }
}

function megabytes({ heap = 0 }: Levels): string {
  return (heap / 2 ** 20).toFixed(1);
}

/** Notices when no task finishes, and reports uncaught errors. */
class Watch implements Disposable {
  /** Resolves to `false` when no task has finished for too long. */
  readonly silence: Promise<false>;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #onRejection: (event: PromiseRejectionEvent) => void;

  constructor(ledger: Ledger) {
    const { promise, resolve } = Promise.withResolvers<false>();
    this.silence = promise;
    this.#timer = setInterval(() => {
      const silence = performance.now() - ledger.finishedAt;
      if (silence > MAX_SILENCE) resolve(false);
    }, 1_000);
    this.#onRejection = (event) => {
      event.preventDefault();
      ledger.fault(`unhandled: ${Deno.inspect(event.reason)}`);
    };
    globalThis.addEventListener("unhandledrejection", this.#onRejection);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    globalThis.removeEventListener("unhandledrejection", this.#onRejection);
  }
}
