/**
 * The pools of npm, as their documentation uses them, with a fixed number of
 * workers. Pools of processes use V8's serializer, since JSON can't carry bytes.
 *
 * @module
 */

import { fileURLToPath } from "node:url";

/** Calls that a worker of the tuned piscina has at a time. */
const TUNED_DEPTH = 64;

const TASKS = pathOf("js_tasks.mjs");

/** For each peer, the name of its package, and how to make a pool with it. */
export const NODE_POOLS = {
  "piscina": { name: "piscina", make: makePiscina },
  "piscina-tuned": {
    name: "piscina",
    make: (module, workers) => makePiscina(module, workers, TUNED_DEPTH),
  },
  "tinypool": { name: "tinypool", make: makeTinypool },
  "workerpool-threads": {
    name: "workerpool",
    make: (module, workers) => makeWorkerpool(module, workers, "thread"),
  },
  "workerpool-processes": {
    name: "workerpool",
    make: (module, workers) => makeWorkerpool(module, workers, "process"),
  },
  "poolifier-threads": {
    name: "poolifier",
    make: ({ FixedThreadPool }, workers) =>
      makePoolifier(
        new FixedThreadPool(workers, pathOf("poolifier_thread.mjs")),
      ),
  },
  "poolifier-processes": {
    name: "poolifier",
    make: ({ FixedClusterPool }, workers) =>
      makePoolifier(
        new FixedClusterPool(workers, pathOf("poolifier_process.cjs"), {
          settings: { serialization: "advanced" },
        }),
      ),
  },
};

function makePiscina({ Piscina }, workers, concurrentTasksPerWorker = 1) {
  const pool = new Piscina({
    filename: TASKS,
    minThreads: workers,
    maxThreads: workers,
    concurrentTasksPerWorker,
  });
  return {
    call: (name, x) => pool.run(x, { name }),
    close: () => pool.destroy(),
  };
}

function makeTinypool({ Tinypool }, workers) {
  const pool = new Tinypool({
    filename: TASKS,
    minThreads: workers,
    maxThreads: workers,
  });
  return {
    call: (name, x) => pool.run(x, { name }),
    close: () => pool.destroy(),
  };
}

function makeWorkerpool({ default: workerpool }, workers, workerType) {
  const pool = workerpool.pool(pathOf("workerpool_worker.mjs"), {
    workerType,
    minWorkers: workers,
    maxWorkers: workers,
    forkOpts: { serialization: "advanced" },
  });
  return {
    call: (name, x) => pool.exec(name, [x]),
    close: () => pool.terminate(true),
  };
}

function makePoolifier(pool) {
  const mapToArray = (name, xs) => pool.mapExecute(xs, name);
  return {
    call: (name, x) => pool.execute(x, name),
    mapToArray,
    close: () => pool.destroy(),
  };
}

function pathOf(file) {
  return fileURLToPath(new URL(file, import.meta.url));
}
