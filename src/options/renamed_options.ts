/** Old names and Python names of calls' options, and what to write instead. */
export const RENAMED_CALL_OPTIONS: ReadonlyMap<string, string> = new Map([
  ["chunksize", "give 'chunkSize' to map()"],
  ["chunkSize", "give it to map()"],
  ["star", "give 'spread' to map()"],
  ["spread", "give it to map()"],
  ["ordered", "give it to map()"],
]);

/** Old names and Python names of maps' options, and what to write instead. */
export const RENAMED_MAP_OPTIONS: ReadonlyMap<string, string> = new Map([
  ["chunksize", "use 'chunkSize'"],
  ["chunk_size", "use 'chunkSize'"],
  ["star", "use 'spread'"],
  ["host", "give it to with(), as in pool.with({ host }).map(…)"],
  ["retries", "give it to with(), as in pool.with({ retries }).map(…)"],
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
  [
    "worker_loglevel",
    "use 'stdio' for what workers print, or 'env' for a log level of your own",
  ],
  ["func_pickle", "functions are sent as source or imported from a module"],
  ["data_pickle", "there is one encoding of values"],
  ["loop", "Deno has one event loop"],
  ["worker_loop", "a worker has Deno's event loop"],
  [
    "chunksize",
    "give 'chunkSize' to map(), as in pool.map(task, items, { chunkSize })",
  ],
  ["chunkSize", "give it to map(), as in pool.map(task, items, { chunkSize })"],
  ["star", "give 'spread' to map()"],
  ["spread", "give it to map()"],
  ["ordered", "give it to map()"],
  ["timeout", "give it to with(), as in pool.with({ timeout }).run(task)"],
  ["signal", "give it to with(), as in pool.with({ signal }).run(task)"],
]);
