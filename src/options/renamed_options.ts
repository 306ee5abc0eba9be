/** The options that only `with()` takes, unless the owner of others has them too. */
const CALL_OPTIONS = [
  "host",
  "where",
  "resources",
  "onUnmet",
  "timeout",
  "runTimeout",
  "signal",
  "retries",
  "priority",
  "key",
  "retry",
  "seed",
  "speculate",
  "onMessage",
];

/** Returns what to write instead of options of calls: `use` follows `with()`. */
function passedToWith(use: string): [name: string, instead: string][] {
  return CALL_OPTIONS.map((name) => [
    name,
    `pass it to with(), as in pool.with({ ${name} }).${use}`,
  ]);
}

/** Old names and Python names of calls' options, and what to write instead. */
export const RENAMED_CALL_OPTIONS: ReadonlyMap<string, string> = new Map([
  ["chunksize", "pass 'chunkSize' to map()"],
  ["chunkSize", "pass it to map()"],
  ["star", "pass 'spread' to map()"],
  ["spread", "pass it to map()"],
  ["ordered", "pass it to map()"],
  ["journal", "pass it to map()"],
  ["onProgress", "pass it to map()"],
  ["maxFailures", "pass it to settled(), a method of maps"],
  ["maxQueue", "pass it to new Pool()"],
  ["maxMemory", "pass it to new Pool()"],
  ["maxTasksPerWorker", "pass it to new Pool()"],
  ["stallWarning", "pass it to new Pool()"],
  ["outputCalls", "pass it to new Pool()"],
]);

/** Old names and Python names of maps' options, and what to write instead. */
export const RENAMED_MAP_OPTIONS: ReadonlyMap<string, string> = new Map([
  ["chunksize", "use 'chunkSize'"],
  ["chunk_size", "use 'chunkSize'"],
  ["star", "use 'spread'"],
  ...passedToWith("map(…)"),
  ["maxFailures", "pass it to settled(), a method of the map"],
]);

/** Old and Python names of transforms' options, and what to write instead. */
export const RENAMED_TRANSFORM_OPTIONS: ReadonlyMap<string, string> = new Map([
  ...RENAMED_MAP_OPTIONS,
  ...passedToWith("transform(…)"),
  ["maxFailures", "only a map has it, as in map(…).settled({ maxFailures })"],
  ["journal", "only a map has a journal"],
]);

/** Python names of options of a shutdown, and what to write instead. */
export const RENAMED_SHUTDOWN_OPTIONS: ReadonlyMap<string, string> = new Map([
  ["cancel_futures", "use 'cancelFutures'"],
]);

/** Old names and Python names of hosts' options, and what to write instead. */
export const RENAMED_HOST_OPTIONS: ReadonlyMap<string, string> = new Map([
  ["num_workers", "use 'workers'"],
  ["port", "write it in 'host', as in \"mini:9000\""],
]);

/** Old names and Python names of pools' options, and what to write instead. */
export const RENAMED_POOL_OPTIONS: ReadonlyMap<string, string> = new Map([
  ["qsize", "use 'prefetch', which is qsize - 1"],
  ["initargs", "use 'initializerArgs'"],
  ["localhost", "use 'listen: { hostname }'"],
  ["localport", "use 'listen: { port }'"],
  ["lazyCreate", "use 'lazy'"],
  ["lazy_create", "use 'lazy'"],
  ["heartbeat", "use 'heartbeatTimeout'"],
  ["num_workers", "use 'workers'"],
  ["max_workers", "use 'workers'"],
  ["maxWorkers", "use 'workers'"],
  ["max_tasks_per_child", "use 'maxTasksPerWorker'"],
  ["maxtasksperchild", "use 'maxTasksPerWorker'"],
  [
    "worker_loglevel",
    "use 'stdio' for the workers' output, or 'env' for a log level of your own",
  ],
  ["func_pickle", "functions are sent as source or imported from a module"],
  ["data_pickle", "use 'codec'"],
  ["loop", "Deno has one event loop"],
  ["worker_loop", "a worker has Deno's event loop"],
  [
    "chunksize",
    "pass 'chunkSize' to map(), as in pool.map(task, items, { chunkSize })",
  ],
  ["chunkSize", "pass it to map(), as in pool.map(task, items, { chunkSize })"],
  ["star", "pass 'spread' to map()"],
  ["spread", "pass it to map()"],
  ["ordered", "pass it to map()"],
  [
    "journal",
    "pass it to map(), as in pool.map(task, items, { journal })",
  ],
  ["onProgress", "pass it to map()"],
  ["maxFailures", "pass it to settled(), a method of maps"],
  ...passedToWith("run(task)"),
]);
