import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  Pool,
  type PoolOptions,
  type TransformOptions,
  WorkerLostError,
} from "../../mod.ts";

/** Old names and Python names of a pool's options, and what replaces them. */
const POOL_OPTIONS: Readonly<Record<string, string>> = {
  qsize: "use 'prefetch', which is qsize - 1",
  initargs: "use 'initializerArgs'",
  localhost: "use 'listen: { hostname }'",
  localport: "use 'listen: { port }'",
  lazyCreate: "use 'lazy'",
  lazy_create: "use 'lazy'",
  heartbeat: "use 'heartbeatTimeout'",
  num_workers: "use 'workers'",
  max_tasks_per_child: "use 'maxTasksPerWorker'",
  worker_loglevel: "use 'stdio'",
  func_pickle: "functions are sent as source",
  data_pickle: "use 'codec'",
  loop: "Deno has one event loop",
  worker_loop: "a worker has Deno's event loop",
  chunksize: "pass 'chunkSize' to map()",
  star: "pass 'spread' to map()",
  timeout: "pass it to with()",
  retry: "pass it to with(), as in pool.with({ retry }).run(task)",
  priority: "pass it to with()",
  key: "pass it to with()",
  onMessage: "pass it to with(), as in pool.with({ onMessage }).run(task)",
  journal: "pass it to map(), as in pool.map(task, items, { journal })",
};

for (const [name, message] of Object.entries(POOL_OPTIONS)) {
  Deno.test(`new Pool() refuses '${name}' and names what replaces it`, () => {
    const options = { workers: 1, lazy: true, [name]: 1 } as PoolOptions;
    const text = `Pool has no option '${name}': ${message}`;
    assertThrows(() => new Pool(options), TypeError, text);
  });
}

Deno.test("Pool.map() refuses old names of options and names what replaces them", async () => {
  await using pool = new Pool({ workers: 1, lazy: true });
  const map = (options: object) => () =>
    pool.map((x: number) => x, [1], options);
  assertThrows(map({ chunksize: 1 }), TypeError, "use 'chunkSize'");
  assertThrows(map({ star: true }), TypeError, "use 'spread'");
  assertThrows(map({ retries: 1 }), TypeError, "pool.with({ retries }).map(");
  assertThrows(map({ priority: 1 }), TypeError, "pool.with({ priority }).map(");
  assertThrows(map({ onMessage: 1 }), TypeError, "with({ onMessage }).map(");
  assertThrows(map({ maxFailures: 1 }), TypeError, "pass it to settled()");
  // It is an option of maps that has another meaning.
  const byWorker = { key: (x: number) => `${x}` };
  assertThrows(map(byWorker), RangeError, "pool.with({ key }).map(");
});

Deno.test("Pool.with() refuses a map's options and names map()", async () => {
  await using pool = new Pool({ workers: 1, lazy: true });
  const wrong = (options: object) => () => pool.with(options);
  assertThrows(wrong({ chunkSize: 1 }), TypeError, "pass it to map()");
  assertThrows(wrong({ star: true }), TypeError, "pass 'spread' to map()");
  assertThrows(wrong({ journal: "a.db" }), TypeError, "pass it to map()");
  for (const name of ["maxQueue", "maxTasksPerWorker", "stallWarning"]) {
    assertThrows(wrong({ [name]: 1 }), TypeError, "pass it to new Pool()");
  }
});

Deno.test("Pool.transform() refuses a journal and names map()", async () => {
  await using pool = new Pool({ workers: 1, lazy: true });
  const options = { journal: "a.db" } as TransformOptions;
  const transform = () => pool.transform((x: number) => x, options);
  assertThrows(transform, TypeError, "only a map has a journal");
});

Deno.test("Pool's old names and Python names throw and name what replaces them", async () => {
  await using pool = new Pool({ workers: 1, lazy: true });
  const old = pool as unknown as Record<string, (...args: unknown[]) => void>;
  const names = {
    options: "with()",
    run_async: "run() or submit()",
    map_async: "map()",
    run_on_all: "runOnAll()",
    run_on_all_async: "runOnAll()",
    is_ready: "isReady",
    create: "await ready",
    poolmap: "transform()",
    total_workers: "totalWorkers",
    ready_async: "ready",
    shutdown_async: "shutdown()",
  };
  for (const [name, instead] of Object.entries(names)) {
    assertThrows(() => old[name]!({}), TypeError, instead);
  }
  assertThrows(
    () => (pool.with({}) as unknown as { options(): void }).options(),
    TypeError,
    "with()",
  );
  const statics = Pool as unknown as { TimeoutError: unknown };
  assertThrows(() => statics.TimeoutError, TypeError, "error.name");
});

Deno.test("Future's Python names throw and name what replaces them", async () => {
  await using pool = new Pool(1);
  const future = pool.submit((x: number) => x, 1);
  const old = future as unknown as Record<string, () => void>;
  const instead = "addDoneCallback()";
  assertThrows(() => old.add_done_callback!(), TypeError, instead);
  assertEquals(await future, 1);
});

Deno.test("WorkerLostError's old names throw and name what replaces them", () => {
  const loss = { worker: "w", exitStatus: "exit code 3", stderrTail: "" };
  const error = new WorkerLostError("task", 1, loss);
  const old = error as unknown as { how: string; lastWords: string };
  assertThrows(() => old.how, TypeError, "exitStatus");
  assertThrows(() => old.lastWords, TypeError, "stderrTail");
});

Deno.test("renamedMembers() defines names that aren't enumerable and can be assigned", () => {
  const loss = { worker: "w", exitStatus: "exit code 3", stderrTail: "" };
  const error = new WorkerLostError("task", 1, loss);
  assert(!Deno.inspect(error).includes("lastWords"));
  for (const name in error) assert(name !== "how");
  const extended = Object.assign(error, { how: "by hand" });
  assertEquals(extended.how, "by hand");
});
