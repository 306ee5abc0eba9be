import {
  assertEquals,
  assertMatch,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { type CallOptions, Pool, type PoolOptions } from "../../mod.ts";

Deno.test("Pool has as many workers as CPUs by default", async () => {
  await using pool = new Pool({ lazy: true });
  assertEquals(pool.totalWorkers, navigator.hardwareConcurrency);
  await using same = new Pool(0, [], { lazy: true });
  assertEquals(same.totalWorkers, navigator.hardwareConcurrency);
});

Deno.test("Pool takes workers, hosts and options, or options alone", async () => {
  await using first = new Pool(3, [], { lazy: true, concurrency: 2 });
  assertEquals(first.totalWorkers, 3);
  await using second = new Pool({ workers: 3, lazy: true });
  assertEquals(second.totalWorkers, 3);
});

const WRONG: [string, unknown, string][] = [
  ["workers", -1, "'workers' must be an integer of at least 0, and is -1"],
  ["workers", 1.5, "'workers'"],
  ["workers", "four", "'workers'"],
  [
    "prefetch",
    -1,
    `'prefetch' must be an integer of at least 0, or "auto", and is -1`,
  ],
  ["prefetch", "many", "'prefetch'"],
  ["concurrency", 0, "'concurrency' must be an integer of at least 1"],
  ["transport", "udp", `'transport' must be "unix" or "tcp", and is "udp"`],
  ["localport", -1, "'localport'"],
  [
    "onHostError",
    "ignore",
    `'onHostError' must be "fail" or "continue", and is "ignore"`,
  ],
  [
    "modules",
    "none",
    `'modules' must be "auto" or "bundle", and is "none"`,
  ],
  ["hosts", "ssh://my host", "its hostname"],
  ["hosts", ["ssh://mini", "mini:0"], `"mini:0"`],
  ["startTimeout", 0, "'startTimeout' must be a number of milliseconds"],
  ["startTimeout", NaN, "'startTimeout'"],
  ["token", ["SECRET"], "'token' must be a string, and is of type object"],
  [
    "initializerArgs",
    "abc",
    `'initializerArgs' must be an array, and is "abc"`,
  ],
  ["localhost", 4, "'localhost' must be a string, and is 4"],
  [
    "permissions",
    "nonne",
    `'permissions' must be "inherit", "none" or an object like that of a Worker, and is "nonne"`,
  ],
  ["permissions", { net: "all" }, "'permissions.net' must be true, false,"],
  ["permissions", { read: ["/a,b"] }, "'permissions.read' must be an array"],
  ["permissions", { read: [5] }, "'permissions.read' must be an array"],
  ["denoArgs", "--v8-flags", "'denoArgs' must be an array of strings"],
  ["env", ["A=1"], "'env' must be an object of strings"],
  ["env", { A: undefined }, "'env.A' must be a string, and is undefined"],
  ["cwd", new URL("file:///"), "'cwd' must be a string"],
  ["config", "/no/such/deno.json", "'config' must be the path of a file"],
];

for (const [name, value, message] of WRONG) {
  Deno.test(`Pool refuses the option ${name}: ${Deno.inspect(value)}`, () => {
    const options = { [name]: value } as PoolOptions;
    assertThrows(() => new Pool(options), RangeError, message);
  });
}

Deno.test("Pool refuses options that don't exist, and names those that do", () => {
  const options = { worker: 4 } as PoolOptions;
  const message = "Pool has no option 'worker'; it has workers,";
  assertThrows(() => new Pool(options), TypeError, message);
});

Deno.test("Pool has no local workers by default if there are other hosts", async () => {
  const lazy = { lazy: true };
  const host = { host: "mini", workers: 3 };
  for (
    const [pool, workers, hosts] of [
      [new Pool(0, "ssh://mini", lazy), 0, ["mini"]],
      [new Pool(0, "ssh://mini/4", lazy), 4, ["mini"]],
      [new Pool(2, "ssh://mini/4", lazy), 6, ["local", "mini"]],
      [new Pool(1, ["ssh://a/2", host], lazy), 6, ["local", "a", "mini"]],
      [new Pool({ hosts: "mini/4", ...lazy }), 4, ["mini"]],
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

Deno.test("Pool's hosts come from its second argument rather than its options", async () => {
  const options = { lazy: true, hosts: "mini/3" };
  await using first = new Pool(1, "other/5", options);
  assertEquals(first.totalWorkers, 6);
  await using second = new Pool(1, undefined, options);
  assertEquals(second.totalWorkers, 4);
});

Deno.test("Pool takes all options of hosts", async () => {
  await using pool = new Pool({
    hosts: ["mini/2", { host: "ssh://mini/2", name: "by ssh" }],
    onHostError: "continue",
    token: "a token of the tests",
    modules: "bundle",
    localhost: "0.0.0.0",
    localport: 7000,
    lazy: true,
  });
  const { workers, hosts } = pool.stats();
  assertEquals([workers, pool.totalWorkers], [0, 4]);
  assertEquals(hosts.map(({ name, kind }) => [name, kind]), [
    ["mini", "spawner"],
    ["by ssh", "ssh"],
  ]);
});

Deno.test("Pool listens at 'localhost' and 'localport' for local workers over TCP", async () => {
  await using pool = new Pool({
    workers: 1,
    transport: "tcp",
    localhost: "localhost",
  });
  const address = await pool.run(() => Deno.args[1]!);
  assertMatch(address, /^tcp:localhost:\d+$/);
});

Deno.test("Pool.with() refuses hosts that the pool doesn't have, and names those it has", async () => {
  await using pool = new Pool(1, "ssh://mini/2", { lazy: true });
  assertThrows(
    () => pool.with({ host: "maxi" }),
    RangeError,
    `'host' must be "local" or "mini", and is "maxi"`,
  );
  assertThrows(() => pool.with({ host: "" }), RangeError, "'host'");
  const misspelt = { hosts: "mini" } as CallOptions;
  const message = "options has no option 'hosts'; it has host";
  assertThrows(() => pool.with(misspelt), TypeError, message);
});

Deno.test("Pool.with() has calls made at the host", async () => {
  await using pool = new Pool(1);
  const here = pool.with({ host: "local" });
  assertEquals(await here.run((x: number) => x + 1, 1), 2);
  assertEquals(await here.submit((x: number) => x + 1, 1), 2);
  assertEquals(await here.map((x: number) => x + 1, [1]).toArray(), [2]);
  assertEquals(await here.runOnAll((x: number) => x + 1, 1), [2]);
  assertEquals(await here.with({}).run((x: number) => x + 1, 1), 2);
});

Deno.test("Pool refuses an initializer that can't be sent", () => {
  const options = { initializer: Math.random };
  assertThrows(() => new Pool(options), TypeError, "native function");
});

Deno.test("Pool refuses permissions that don't exist", () => {
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

Deno.test("Pool.map() with 'spread' refuses items that are no arrays", async () => {
  await using pool = new Pool(1);
  const items = [[1], 2] as unknown as [number][];
  const map = pool.map((x: number) => x, items, { spread: true, chunkSize: 1 });
  assertEquals(await map.next(), { done: false, value: 1 });
  await assertRejects(() => map.next(), TypeError, "must be an array");
});
