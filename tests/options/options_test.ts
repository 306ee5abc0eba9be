import {
  assertEquals,
  assertMatch,
  assertRejects,
  assertThrows,
} from "@std/assert";
import {
  type CallOptions,
  Pool,
  PoolClosedError,
  type PoolOptions,
  type TransformOptions,
} from "../../mod.ts";
import { poolSettings } from "../../src/options/pool_settings.ts";

Deno.test("new Pool() starts one worker per CPU by default, with or without hosts", async () => {
  const cpus = navigator.hardwareConcurrency;
  for (
    const [pool, workers] of [
      [new Pool({ lazy: true }), cpus],
      [new Pool(undefined, [], { lazy: true }), cpus],
      [new Pool({ hosts: "mini/4", lazy: true }), cpus + 4],
      [new Pool(undefined, "mini/4", { lazy: true }), cpus + 4],
    ] as const
  ) {
    await using _ = pool;
    assertEquals(pool.totalWorkers, workers);
  }
});

Deno.test("new Pool() refuses a pool without any workers", () => {
  const message = "'workers' is 0 and there are no 'hosts'";
  assertThrows(() => new Pool(0), RangeError, message);
  assertThrows(() => new Pool({ workers: 0, hosts: [] }), RangeError, message);
});

Deno.test("new Pool() takes workers, hosts and options, or options alone", async () => {
  await using first = new Pool(3, [], { lazy: true, concurrency: 2 });
  assertEquals(first.totalWorkers, 3);
  await using second = new Pool({ workers: 3, lazy: true });
  assertEquals(second.totalWorkers, 3);
});

Deno.test("poolSettings() accepts a range of workers", () => {
  const cpus = navigator.hardwareConcurrency;
  for (
    const [workers, max, min, idle] of [
      [{}, cpus, 0, 60_000],
      [{ min: 1, max: 3 }, 3, 1, 60_000],
      [{ min: cpus, idle: 5 }, cpus, cpus, 5],
    ] as const
  ) {
    const settings = poolSettings({ workers });
    assertEquals(settings.workers, max);
    assertEquals(settings.scaling, { min, idle });
  }
});

type Case = readonly [option: string, value: unknown, message: string];

/** Values of the wrong type. */
const WRONG_TYPES: readonly Case[] = [
  [
    "workers",
    "4",
    "'workers' must be an integer of at least 0, or \"inline\", b",
  ],
  ["workers", null, "'workers'"],
  ["workers", [1, 2], "'workers' must be an integer or an object"],
  ["workers", { minimum: 1 }, "'workers' has no option 'minimum'; it has min"],
  ["workers", { min: "1" }, "'workers.min' must be an integer of at least 0"],
  ["workers", { max: true }, "'workers.max' must be an integer of at least 1"],
  ["workers", { idle: "1 s" }, "'workers.idle' must be a number of millisec"],
  ["hosts", { host: "mini", workers: { max: "8" } }, 'In the host "mini" \'wo'],
  ["prefetch", true, "'prefetch'"],
  [
    "maxQueue",
    "10",
    "'maxQueue' must be an integer of at least 0, or Infinity",
  ],
  ["concurrency", 2n, "'concurrency'"],
  ["transport", 1, "'transport'"],
  ["listen", "0.0.0.0", "The options of 'listen' must be an object, but are"],
  ["listen", { host: "::" }, "'listen' has no option 'host'; it has hostname"],
  ["listen", { hostname: 4 }, "'listen.hostname' must be a string, but is 4"],
  ["listen", { port: "9000" }, "'listen.port' must be an integer"],
  ["onHostError", false, "'onHostError'"],
  ["maxTasksPerWorker", "9", "'maxTasksPerWorker' must be an integer"],
  ["maxMemory", true, "'maxMemory' must be a number of bytes"],
  ["maxMemory", null, "'maxMemory'"],
  ["stallWarning", false, "'stallWarning' must be a number of milliseconds"],
  ["modules", null, "'modules'"],
  ["codec", true, '\'codec\' must be "msgpack" or "structured", but is true'],
  ["hosts", 4, "A host must be a string"],
  ["hosts", { host: "mini", workers: "2" }, "'workers' must be"],
  ["hosts", { host: "ssh://mini", tmpdir: 5 }, "'tmpdir' must be a string"],
  [
    "hosts",
    { host: "ssh://mini", sshArgs: "-v" },
    "'sshArgs' must be an array",
  ],
  ["hosts", { host: "mini", tls: "yes" }, "'tls' must be true, false or"],
  ["startTimeout", "60", "'startTimeout' must be a number of milliseconds"],
  ["retries", "2", "'retries'"],
  ["maxRestarts", "many", "'maxRestarts'"],
  ["lazy", "yes", "'lazy' must be true or false, but is \"yes\""],
  ["token", ["SECRET"], "'token' must be a string, but is of type object"],
  ["initializer", 5, "'initializer' must be a function or a task from"],
  [
    "initializerArgs",
    "abc",
    `'initializerArgs' must be an array, but is "abc"`,
  ],
  ["permissions", 5, "'permissions' must be"],
  ["permissions", null, "'permissions' must be"],
  ["permissions", { net: 5 }, "'permissions.net' must be true, false,"],
  ["permissions", { read: [5] }, "'permissions.read' must be an array"],
  ["denoArgs", "--v8-flags", "'denoArgs' must be an array of strings"],
  ["env", ["A=1"], "'env' must be an object of strings"],
  ["env", { A: undefined }, "'env.A' must be a string, but is undefined"],
  ["cwd", new URL("file:///"), "'cwd' must be a string"],
  ["config", true, "'config' must be a path, a file URL or false"],
  ["stdio", null, "'stdio'"],
  ["outputCalls", 1, "'outputCalls'"],
  ["inspect", "yes", "'inspect' must be true, false or \"wait\""],
];

/** Values of the right type that are out of range. */
const WRONG_VALUES: readonly Case[] = [
  ["workers", { max: 0 }, "'workers.max' must be an integer of at least 1"],
  ["workers", { min: -1 }, "'workers.min' must be an integer of at least 0"],
  [
    "workers",
    { min: 5, max: 4 },
    "'workers.min' must be at most 'workers.max'",
  ],
  ["workers", { idle: 0 }, "'workers.idle' must be a number of milliseconds"],
  ["workers", -1, "'workers' must be an integer of at least 0, but is -1"],
  ["workers", 1.5, "'workers'"],
  ["workers", NaN, "'workers'"],
  [
    "prefetch",
    -1,
    `'prefetch' must be an integer of at least 0, or "auto", but is -1`,
  ],
  ["prefetch", "many", "'prefetch'"],
  ["maxQueue", -1, "'maxQueue' must be an integer of at least 0, or Infinity"],
  ["maxQueue", 0.5, "'maxQueue'"],
  ["concurrency", 0, "'concurrency' must be an integer of at least 1"],
  ["transport", "udp", `'transport' must be "unix" or "tcp", but is "udp"`],
  ["listen", { port: -1 }, "'listen.port' must be an integer from 0 to 65535"],
  ["listen", { port: 65_536 }, "'listen.port'"],
  [
    "onHostError",
    "ignore",
    `'onHostError' must be "fail" or "continue", but is "ignore"`,
  ],
  ["modules", "none", `'modules' must be "auto" or "bundle", but is "none"`],
  [
    "codec",
    "pickle",
    `'codec' must be "msgpack" or "structured", but is "pickle"`,
  ],
  ["hosts", "ssh://my host", "its hostname"],
  ["hosts", ["ssh://mini", "mini:0"], `"mini:0"`],
  ["hosts", { host: "mini", workers: -1 }, "number of workers"],
  ["startTimeout", 0, "'startTimeout' must be a number of milliseconds"],
  ["startTimeout", NaN, "'startTimeout'"],
  ["maxTasksPerWorker", 0, "of at least 1, or Infinity, but is 0"],
  ["maxTasksPerWorker", 1.5, "'maxTasksPerWorker'"],
  ["maxMemory", 0, "'maxMemory' must be a number of bytes of at least 1"],
  ["maxMemory", -1, "'maxMemory'"],
  ["maxMemory", NaN, "'maxMemory'"],
  [
    "maxMemory",
    "lots",
    `such as "512M" or "1.5GiB", or Infinity, but is "lots"`,
  ],
  ["stallWarning", -1, "below 2147483648, or 0 for none, but is -1"],
  ["maxRestarts", -1, "of at least 0, or Infinity, but is -1"],
  [
    "permissions",
    "nonne",
    `'permissions' must be "inherit", "none" or an object like that of a Worker, but is "nonne"`,
  ],
  ["permissions", { net: "all" }, "'permissions.net' must be true, false,"],
  ["permissions", { read: ["/a,b"] }, "'permissions.read' must be an array"],
  ["config", "/no/such/deno.json", "'config' must be the path of a file"],
  ["stdio", "pipe", "'stdio'"],
];

for (const [option, value, message] of WRONG_TYPES) {
  Deno.test(`new Pool() throws a TypeError with ${option}: ${Deno.inspect(value)}`, () => {
    const options = { [option]: value } as PoolOptions;
    assertThrows(() => new Pool(options), TypeError, message);
  });
}

for (const [option, value, message] of WRONG_VALUES) {
  Deno.test(`new Pool() throws a RangeError with ${option}: ${Deno.inspect(value)}`, () => {
    const options = { [option]: value } as PoolOptions;
    assertThrows(() => new Pool(options), RangeError, message);
  });
}

Deno.test("new Pool() refuses options that aren't an object", () => {
  const message = "The options of Pool must be an object";
  for (const options of [null, []]) {
    const wrong = options as unknown as PoolOptions;
    assertThrows(() => new Pool(wrong), TypeError, message);
  }
});

Deno.test("new Pool() refuses an unknown option and names the known ones", () => {
  const options = { worker: 4 } as PoolOptions;
  const message = "Pool has no option 'worker'; it has workers,";
  assertThrows(() => new Pool(options), TypeError, message);
});

Deno.test("new Pool() has the workers and hosts of its arguments", async () => {
  const lazy = { lazy: true };
  const host = { host: "mini", workers: 3 };
  for (
    const [pool, workers, hosts] of [
      [new Pool(0, "ssh://mini", lazy), 0, ["mini"]],
      [new Pool(0, "ssh://mini/4", lazy), 4, ["mini"]],
      [new Pool(2, "ssh://mini/4", lazy), 6, ["local", "mini"]],
      [new Pool(1, ["ssh://a/2", host], lazy), 6, ["local", "a", "mini"]],
      [new Pool({ workers: 0, hosts: "mini/4", ...lazy }), 4, ["mini"]],
      [new Pool({ workers: 1, hosts: host, ...lazy }), 4, ["local", "mini"]],
      [
        new Pool({ hosts: [], ...lazy }),
        navigator.hardwareConcurrency,
        ["local"],
      ],
    ] as const
  ) {
    await using _ = pool;
    assertEquals(pool.totalWorkers, workers);
    assertEquals(pool.stats().hosts.map(({ name }) => name), [...hosts]);
    assertEquals(pool.isReady, false);
  }
});

Deno.test("new Pool() prefers hosts in its second argument to those in its options", async () => {
  const options = { lazy: true, hosts: "mini/3" };
  await using first = new Pool(1, "other/5", options);
  assertEquals(first.totalWorkers, 6);
  await using second = new Pool(1, undefined, options);
  assertEquals(second.totalWorkers, 4);
});

Deno.test("new Pool() takes all options about hosts", async () => {
  await using pool = new Pool({
    workers: 0,
    hosts: ["mini/2", { host: "ssh://mini/2", name: "by ssh" }],
    onHostError: "continue",
    token: "a token of the tests",
    modules: "bundle",
    listen: { hostname: "0.0.0.0", port: 7000 },
    lazy: true,
  });
  const { workers, hosts } = pool.stats();
  assertEquals([workers, pool.totalWorkers], [0, 4]);
  assertEquals(hosts.map(({ name, kind }) => [name, kind]), [
    ["mini", "spawner"],
    ["by ssh", "ssh"],
  ]);
});

Deno.test("Pool listens on 'listen.hostname' for local workers over TCP", async () => {
  await using pool = new Pool({
    workers: 1,
    transport: "tcp",
    listen: { hostname: "localhost" },
  });
  const address = await pool.run(() => Deno.args[1]!);
  assertMatch(address, /^tcp:localhost:\d+$/);
});

Deno.test("Pool.with() refuses a host that the pool doesn't have, and names the pool's hosts", async () => {
  await using pool = new Pool(1, "ssh://mini/2", { lazy: true });
  assertThrows(
    () => pool.with({ host: "maxi" }),
    RangeError,
    `'host' must be "local" or "mini", but is "maxi"`,
  );
  assertThrows(() => pool.with({ host: "" }), RangeError, "'host'");
  const misspelt = { hosts: "mini" } as CallOptions;
  const message = "with() has no option 'hosts'; it has host";
  assertThrows(() => pool.with(misspelt), TypeError, message);
});

Deno.test("Pool.with() makes calls at the given host", async () => {
  await using pool = new Pool(1);
  const here = pool.with({ host: "local" });
  assertEquals(await here.run((x: number) => x + 1, 1), 2);
  assertEquals(await here.submit((x: number) => x + 1, 1), 2);
  assertEquals(await here.map((x: number) => x + 1, [1]).toArray(), [2]);
  assertEquals(await here.runOnAll((x: number) => x + 1, 1), [2]);
  assertEquals(await here.with({}).run((x: number) => x + 1, 1), 2);
});

Deno.test("new Pool() refuses an initializer that can't be sent", () => {
  const options = { initializer: Math.random };
  assertThrows(() => new Pool(options), TypeError, "native function");
});

Deno.test("new Pool() refuses a permission that doesn't exist", () => {
  const permissions = { reed: true } as unknown as Deno.PermissionOptionsObject;
  assertThrows(() => new Pool({ permissions }), TypeError, `"reed"`);
});

Deno.test("Pool.map() refuses bad options and inputs", async () => {
  await using pool = new Pool({ workers: 1, lazy: true });
  const task = (x: number) => x;
  const wrong = (options: object) => () => pool.map(task, [1], options);
  assertThrows(wrong({ chunkSize: 0 }), RangeError, "'chunkSize'");
  assertThrows(wrong({ chunkSize: 1.5 }), RangeError, "'chunkSize'");
  assertThrows(wrong({ timeout: 0 }), RangeError, "'timeout'");
  assertThrows(wrong({ chunkSize: "1" }), RangeError, "'chunkSize'");
  assertThrows(wrong({ chunkSize: true }), TypeError, "'chunkSize'");
  assertThrows(wrong({ timeout: "1" }), TypeError, "'timeout'");
  assertThrows(wrong({ signal: {} }), TypeError, "'signal'");
  assertThrows(wrong({ ordered: 1 }), TypeError, "'ordered'");
  assertThrows(wrong({ spread: 1 }), TypeError, "'spread'");
  assertThrows(wrong({ order: false }), TypeError, "no option 'order'");
  const notIterable = 5 as unknown as Iterable<number>;
  assertThrows(() => pool.map(task, notIterable), TypeError, "iterables[0]");
  const two = pool.map.bind(pool) as (...inputs: unknown[]) => void;
  assertThrows(() => two(task), TypeError, "needs an iterable");
  assertThrows(
    () => two(task, [], [], { spread: true }),
    TypeError,
    "'spread'",
  );
});

Deno.test("Pool.map() refuses bad options of a journal", async () => {
  await using pool = new Pool({ workers: 1, lazy: true });
  const map = (options: object) => () =>
    pool.map((x: number) => x, [1], options);
  const wrong = (journal: unknown) => map({ journal });
  assertThrows(wrong(5), TypeError, "'journal' must be a path, a file: URL or");
  assertThrows(wrong(null), TypeError, "'journal'");
  assertThrows(wrong(""), RangeError, "'journal' must be the path of a file");
  assertThrows(wrong(new URL("http://a/b")), RangeError, "'journal'");
  assertThrows(wrong({}), TypeError, "'journal.path'");
  assertThrows(wrong([]), TypeError, "must be an object");
  assertThrows(wrong({ path: 5 }), TypeError, "'journal.path'");
  assertThrows(wrong({ path: "a", failed: "no" }), RangeError, 'or "keep"');
  assertThrows(wrong({ path: "a", failed: 1 }), TypeError, "'journal.failed'");
  assertThrows(wrong({ path: "a", task: 1 }), TypeError, "'journal.task'");
  assertThrows(wrong({ path: "a", name: "b" }), TypeError, "no option 'name'");
  assertThrows(map({ journal: "a", key: 1 }), TypeError, "'key'");
  assertThrows(map({ key: String }), RangeError, "'key' needs the option");
});

Deno.test("Pool.transform() refuses bad options", async () => {
  await using pool = new Pool({ workers: 1, lazy: true });
  const wrong = (options: unknown) => () =>
    pool.transform((x: number) => x, options as TransformOptions);
  assertThrows(wrong({ chunkSize: 0 }), RangeError, "'chunkSize'");
  assertThrows(wrong({ timeout: "1" }), TypeError, "'timeout'");
  assertThrows(wrong({ signal: {} }), TypeError, "'signal'");
  assertThrows(wrong({ ordered: 1 }), TypeError, "'ordered'");
  assertThrows(wrong({ spread: 1 }), TypeError, "'spread'");
  assertThrows(wrong({ order: false }), TypeError, "no option 'order'");
  assertThrows(wrong({ retries: 1 }), TypeError, "with({ retries }).transf");
  assertThrows(wrong({ journal: "a" }), TypeError, "no option 'journal'");
  assertThrows(wrong(null), TypeError, "The options of transform() must be");
  for (const name of ["writableStrategy", "readableStrategy"]) {
    const mark = `'${name}.highWaterMark' must be a number of at least 0, but`;
    for (
      const [strategy, error, message] of [
        [1, TypeError, `'${name}' must be a queuing strategy, but is 1`],
        [null, TypeError, `'${name}' must be a queuing strategy, but is null`],
        [{ highWaterMark: "1" }, TypeError, `${mark} is "1"`],
        [{ highWaterMark: -1 }, RangeError, `${mark} is -1`],
        [{ highWaterMark: NaN }, RangeError, `${mark} is NaN`],
        [{ size: 1 }, TypeError, `'${name}.size' must be a function, but is 1`],
      ] as const
    ) assertThrows(wrong({ [name]: strategy }), error, message);
  }
});

Deno.test("Pool.transform() refuses a task that can't be sent", async () => {
  await using pool = new Pool({ workers: 1, lazy: true });
  const wrong = () => pool.transform(Math.abs);
  assertThrows(wrong, TypeError, "native function");
});

Deno.test("Pool.map() with 'spread' refuses items that aren't arrays", async () => {
  await using pool = new Pool(1);
  const items = [[1], 2] as unknown as [number][];
  const map = pool.map((x: number) => x, items, { spread: true, chunkSize: 1 });
  assertEquals(await map.next(), { done: false, value: 1 });
  await assertRejects(() => map.next(), TypeError, "must be an array");
});

Deno.test("Pool.with() refuses values of the wrong type or out of range", async () => {
  await using pool = new Pool({ workers: 1, lazy: true });
  const wrong = (options: object) => () => pool.with(options);
  assertThrows(wrong({ timeout: "1" }), TypeError, "'timeout'");
  assertThrows(wrong({ timeout: -1 }), RangeError, "'timeout'");
  assertThrows(wrong({ runTimeout: "1" }), TypeError, "'runTimeout'");
  assertThrows(wrong({ runTimeout: 0 }), RangeError, "'runTimeout'");
  assertThrows(wrong({ runTimeout: Infinity }), RangeError, "'runTimeout'");
  assertThrows(wrong({ seed: "1" }), TypeError, "'seed'");
  for (const seed of [-1, 0.5, NaN, 2 ** 53, -1n, 2n ** 64n]) {
    assertThrows(wrong({ seed }), RangeError, "'seed' must be an integer from");
  }
  assertThrows(wrong({ retries: "1" }), TypeError, "'retries'");
  assertThrows(wrong({ retries: -1 }), RangeError, "'retries'");
  assertThrows(wrong({ priority: "high" }), TypeError, "'priority' must be a");
  for (const priority of [Infinity, NaN]) {
    assertThrows(
      wrong({ priority }),
      RangeError,
      "'priority' must be a finite",
    );
  }
  assertThrows(
    wrong({ key: 1 }),
    TypeError,
    "'key' must be a string, or a fun",
  );
  assertThrows(wrong({ speculate: 1 }), TypeError, "'speculate'");
  assertThrows(wrong({ signal: true }), TypeError, "'signal'");
  assertThrows(wrong({ host: 1 }), TypeError, "'host'");
  assertThrows(wrong([]), TypeError, "The options of with()");
});

Deno.test("Pool.shutdown() refuses options that don't exist or aren't booleans", async () => {
  await using pool = new Pool({ workers: 1, lazy: true });
  const refuses = (options: object, message: string) =>
    assertRejects(() => pool.shutdown(options), TypeError, message);
  await refuses({ wait: 0 }, "'wait' must be true or false, but is 0");
  await refuses({ cancelFutures: "yes" }, "'cancelFutures'");
  await refuses({ cancel: true }, "shutdown() has no option 'cancel'");
  await refuses({ cancel_futures: true }, "use 'cancelFutures'");
});

Deno.test("Pool.ready doesn't start a lazy pool", async () => {
  await using pool = new Pool({ workers: 1, lazy: true });
  let isReady = false;
  const ready = pool.ready.then(() => isReady = true);
  // If the first pool started its workers, they would be ready before these.
  await using other = new Pool(2);
  await other.runOnAll(() => {});
  assertEquals(pool.stats().workers, 0);
  assertEquals([isReady, pool.isReady], [false, false]);
  assertEquals(await pool.run((x: number) => x + 1, 1), 2);
  await ready;
  assertEquals([isReady, pool.isReady], [true, true]);
});

Deno.test("Pool.ready is rejected if the pool is shut down before it starts", async () => {
  const pool = new Pool({ workers: 1, lazy: true });
  const { ready } = pool;
  await pool.shutdown();
  await assertRejects(() => ready, PoolClosedError);
});
