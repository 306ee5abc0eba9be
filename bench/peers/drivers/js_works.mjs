/**
 * What the peers that run JavaScript are asked to do.
 *
 * @module
 */

import * as tasks from "./js_tasks.mjs";

/**
 * A pool as its users use it. A task is named, and takes one argument.
 *
 * @typedef {object} PeerPool
 * @property {(task: string, x: unknown) => Promise<unknown>} call
 *   Runs a task.
 * @property {(task: string, xs: readonly unknown[]) => Promise<unknown[]>} [each]
 *   Runs a task for each item, without chunks; all calls at once by default.
 * @property {(task: string, xs: readonly unknown[]) => Promise<unknown[]>} [mapToArray]
 *   Runs the pool's untuned map; all calls at once by default.
 * @property {(task: string, xs: readonly unknown[]) => AsyncIterable<unknown>} [map]
 *   The same, for results that are read one after the other.
 * @property {(task: string, xs: readonly unknown[], size: number) => Promise<unknown[]>} [chunksToArray]
 *   Maps in chunks; arrays cut by hand by default.
 * @property {(task: string, xs: readonly unknown[], size: number) => AsyncIterable<unknown>} [chunks]
 *   The same, for results that are read one after the other.
 * @property {() => unknown} close
 *   Ends the pool.
 */

/**
 * @typedef {object} JsRequest
 * @property {string} work The work.
 * @property {number} count The amount of work.
 * @property {number} size
 *   The number of calls at once, or items in a chunk, bytes in a payload, or
 *   microseconds that a task takes.
 * @property {string} folder The folder with the files.
 * @property {string[][]} batches The paths in each batch of files.
 */

/** Calls with payloads that are in flight. */
const DEPTH = 16;

/** The number after which primes are looked for; odd. */
const FIRST_NUMBER = 10_000_000_001;

/** Iterations per microsecond; measured when it is first needed. */
let speed = 0;

/**
 * Does a work, and returns how long it took.
 *
 * @param {PeerPool} pool
 * @param {JsRequest} request
 * @returns {Promise<object>}
 */
export async function perform(pool, request) {
  const { work, count, size, folder, batches } = request;
  switch (work) {
    case "run":
      return await seconds(() => runAll(pool, count, size));
    case "map/for-await": {
      const items = integers(count);
      return await seconds(() => readAll(pool.map("increment", items), count));
    }
    case "map/to-array": {
      const items = integers(count);
      return await seconds(async () =>
        check((await mapToArray(pool, "increment", items)).length, count)
      );
    }
    case "chunks/for-await": {
      const items = integers(count);
      return await seconds(() => readAll(chunks(pool, items, size), count));
    }
    case "chunks/to-array": {
      const items = integers(count);
      return await seconds(async () =>
        check((await chunksToArray(pool, items, size)).length, count)
      );
    }
    case "trips":
      return await trips(pool, count);
    case "payload/in": {
      const payload = new Uint8Array(size).fill(1);
      return await seconds(() =>
        inLoops(
          count,
          async () => check(await pool.call("byteLength", payload), size),
        )
      );
    }
    case "payload/out":
      return await seconds(() =>
        inLoops(
          count,
          async () => check((await pool.call("give", size)).length, size),
        )
      );
    case "spin":
      return await spins(pool, count, size);
    case "primes": {
      const numbers = integers(count).map((x) => FIRST_NUMBER + 2 * x);
      return await besideOneProcess(
        tasks.isPrime,
        numbers,
        () => mapToArray(pool, "isPrime", numbers),
      );
    }
    case "gzip": {
      const items = integers(count)
        .map((x) => ({ folder, paths: batches[x % batches.length] }));
      return await besideOneProcess(
        tasks.pack,
        items,
        () => each(pool, "pack", items),
      );
    }
    default:
      throw new TypeError(`There is no work '${work}'`);
  }
}

async function runAll(pool, count, batch) {
  for (let done = 0; done < count; done += batch) {
    const size = Math.min(batch, count - done);
    const calls = [];
    for (let x = 0; x < size; x++) calls.push(pool.call("increment", x));
    const results = await Promise.all(calls);
    check(results.at(-1), size);
  }
}

async function trips(pool, count) {
  const times = [];
  for (let x = 0; x < count; x++) {
    const start = performance.now();
    await pool.call("increment", x);
    times.push((performance.now() - start) * 1_000);
  }
  return { times };
}

async function spins(pool, count, microseconds) {
  speed ||= measureSpeed();
  const iterations = Math.round(microseconds * speed);
  const part = Math.ceil(count / 4);
  const items = new Array(count).fill(iterations);
  // V8 compiles a loop around `spin()` to code that is slower by half.
  const alone = await seconds(() => items.slice(0, part).map(tasks.spin));
  const { seconds: taken } = await seconds(async () =>
    check((await mapToArray(pool, "spin", items)).length, count)
  );
  return { seconds: taken, alone: alone.seconds * count / part };
}

/** Returns the iterations of `spin()` per microsecond. */
function measureSpeed() {
  const iterations = 1_000_000;
  let least = Infinity;
  for (let turn = 0; turn < 10; turn++) {
    const start = performance.now();
    tasks.spin(iterations);
    least = Math.min(least, performance.now() - start);
  }
  return iterations / (least * 1_000);
}

/** Does work in this process, then in the pool, and compares the results. */
async function besideOneProcess(task, items, inPool) {
  let expected;
  const alone = await seconds(() => {
    expected = items.map((item) => task(item));
  });
  let results;
  const { seconds: taken } = await seconds(async () => {
    results = await inPool();
  });
  if (expected.length !== results.length) {
    throw new Error("The pool returned another number of results");
  }
  expected.forEach((value, index) => check(results[index], value));
  return { seconds: taken, alone: alone.seconds };
}

function each(pool, task, items) {
  return pool.each?.(task, items) ?? callAll(pool, task, items);
}

function mapToArray(pool, task, items) {
  return pool.mapToArray?.(task, items) ?? callAll(pool, task, items);
}

function callAll(pool, task, items) {
  return Promise.all(items.map((item) => pool.call(task, item)));
}

async function chunksToArray(pool, items, size) {
  if (pool.chunksToArray) {
    return await pool.chunksToArray("increment", items, size);
  }
  return (await Promise.all(callChunks(pool, items, size))).flat();
}

function chunks(pool, items, size) {
  return pool.chunks?.("increment", items, size) ??
    chunksByHand(pool, items, size);
}

async function* chunksByHand(pool, items, size) {
  for (const chunk of callChunks(pool, items, size)) yield* await chunk;
}

function callChunks(pool, items, size) {
  const calls = [];
  for (let start = 0; start < items.length; start += size) {
    calls.push(pool.call("incrementAll", items.slice(start, start + size)));
  }
  return calls;
}

async function inLoops(count, turn) {
  let next = 0;
  await Promise.all(Array.from({ length: DEPTH }, async () => {
    while (next++ < count) await turn();
  }));
}

async function readAll(results, expected) {
  let count = 0;
  for await (const _ of results) count++;
  check(count, expected);
}

async function seconds(work) {
  const start = performance.now();
  await work();
  return { seconds: (performance.now() - start) / 1_000 };
}

function integers(count) {
  return Array.from({ length: count }, (_, index) => index);
}

function check(value, expected) {
  if (value === expected) return;
  throw new Error(`The result was ${value} instead of ${expected}`);
}
