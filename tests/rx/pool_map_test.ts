import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  concat,
  EMPTY,
  finalize,
  firstValueFrom,
  from,
  interval,
  lastValueFrom,
  map,
  materialize,
  merge,
  NEVER,
  Observable,
  of,
  range,
  Subject,
  take,
  tap,
  throwError,
  toArray,
} from "rxjs";
import { bind, Pool, PoolClosedError } from "../../mod.ts";
import { poolMap } from "../../rx.ts";
import { Gate, passGate } from "../helpers/gate.ts";
import { until } from "../helpers/processes.ts";
import { TempJournal } from "../helpers/temp_journal.ts";
import { obeyAbort } from "../programs/cancel_tasks.ts";

const double = (x: number) => x * 2;

/** Collects the values of an observable, then its error or `"complete"`. */
function collect(source: Observable<unknown>): Promise<unknown[]> {
  return lastValueFrom(source.pipe(
    materialize(),
    map(({ kind, value, error }) =>
      kind === "N" ? value : kind === "E" ? error : "complete"
    ),
    toArray(),
  ));
}

/** A task: item 1 waits at the gate, and all others return at once. */
async function detainOne(port: number, x: number): Promise<number> {
  if (x === 1) {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.read(new Uint8Array(1));
  }
  return x;
}

Deno.test("poolMap() emits the results in order, then completes", async () => {
  await using pool = new Pool(2);
  const results = await collect(range(0, 1_000).pipe(poolMap(pool, double)));
  const expected = Array.from({ length: 1_000 }, (_, n) => 2 * n);
  assertEquals(results, [...expected, "complete"]);
});

for (const ordered of [true, false]) {
  const order = ordered ? "in the order of the source" : "as they arrive";
  Deno.test(`poolMap() emits results ${order} with ordered: ${ordered}`, async () => {
    await using gate = new Gate();
    await using pool = new Pool(2);
    const task = bind(detainOne, gate.port);
    const emitted: number[] = [];
    const results = collect(
      of(1, 2, 3).pipe(
        poolMap(pool, task, { ordered, chunkSize: 1 }),
        tap((x) => emitted.push(x)),
      ),
    );
    await gate.entered();
    await until(() => pool.stats().done === 2);
    if (!ordered) await until(() => emitted.length === 2);
    assertEquals(emitted, ordered ? [] : [2, 3]);
    gate.open();
    assertEquals(await results, [
      ...(ordered ? [1, 2, 3] : [2, 3, 1]),
      "complete",
    ]);
  });
}

Deno.test("poolMap() sends as many values in a message as chunkSize says", async () => {
  await using pool = new Pool(2);
  const pid = () => Deno.pid;
  const pids = await collect(
    range(0, 10).pipe(poolMap(pool, pid, { chunkSize: 5 })),
  );
  assertEquals(new Set(pids.slice(0, 5)).size, 1);
  assertEquals(new Set(pids.slice(5, 10)).size, 1);
});

Deno.test("poolMap() with spread passes each array as arguments", async () => {
  await using pool = new Pool(1);
  const pairs: [number, number][] = [[1, 2], [3, 4]];
  const product = (x: number, y: number) => x * y;
  assertEquals(
    await collect(of(...pairs).pipe(poolMap(pool, product, { spread: true }))),
    [2, 12, "complete"],
  );
});

Deno.test("poolMap() takes a view of a pool", async () => {
  await using pool = new Pool(1);
  const view = pool.with({ host: "local", retries: 1 });
  assertEquals(await collect(of(4).pipe(poolMap(view, double))), [
    8,
    "complete",
  ]);
});

Deno.test("poolMap() completes when the source is empty", async () => {
  await using pool = new Pool(1);
  assertEquals(await collect(EMPTY.pipe(poolMap(pool, double))), ["complete"]);
});

Deno.test("poolMap() runs a map for each subscription", async () => {
  await using pool = new Pool(1);
  let subscriptions = 0;
  const source = new Observable<number>((subscriber) => {
    subscriber.next(++subscriptions);
    subscriber.complete();
  });
  const results = source.pipe(poolMap(pool, double));
  assertEquals(subscriptions, 0);
  assertEquals(await Promise.all([collect(results), collect(results)]), [
    [2, "complete"],
    [4, "complete"],
  ]);
});

Deno.test("poolMap() emits the results before a task's error, then the error", async () => {
  await using pool = new Pool(1);
  const source = new Subject<number>();
  const task = (x: number) => {
    if (x === 2) throw new RangeError("two");
    return x;
  };
  const results = collect(source.pipe(poolMap(pool, task)));
  [0, 1, 2, 3].forEach((x) => source.next(x));
  assert(source.observed);
  const [first, second, error, ...more] = await results;
  assertEquals([first, second, more], [0, 1, []]);
  assertInstanceOf(error, RangeError);
  assertEquals(error.message, "two");
  assert(!source.observed);
});

Deno.test("poolMap() adds the place of the pipeline to a task's error", async () => {
  await using pool = new Pool(1);
  const fail = (_: number) => {
    throw new Error("on purpose");
  };
  function makePipeline() {
    return of(1).pipe(map((x) => x), poolMap(pool, fail), map((x) => x));
  }
  const [error] = await collect(makePipeline());
  assertInstanceOf(error, Error);
  assertMatch(error.stack ?? "", /makePipeline .*pool_map_test\.ts/);
  assert(!error.stack?.includes("/rxjs/"), error.stack);
});

for (
  const [name, fail] of [
    ["at once", throwError],
    [
      "from its subscribe function",
      (makeError: () => unknown) =>
        new Observable<never>(() => {
          throw makeError();
        }),
    ],
  ] as const
) {
  Deno.test(`poolMap() emits the results before an error that the source emits ${name}`, async () => {
    await using pool = new Pool(1);
    const reason = { any: "value" };
    const source = concat(range(0, 3), fail(() => reason));
    const results = await collect(source.pipe(poolMap(pool, double)));
    assertEquals(results, [0, 2, 4, reason]);
    assertStrictEquals(results.at(-1), reason);
  });
}

Deno.test("poolMap() unsubscribes from an endless source after take()", async () => {
  await using pool = new Pool(2);
  let finalized = 0;
  const endless = interval(0).pipe(finalize(() => finalized++));
  const results = endless.pipe(poolMap(pool, double), take(3));
  assertEquals(await collect(results), [0, 2, 4, "complete"]);
  assertEquals(finalized, 1);
});

Deno.test("poolMap() aborts running tasks when its subscriber unsubscribes", async () => {
  await using begin = new Gate();
  await using end = new Gate();
  await using pool = new Pool({ workers: 1, cancelGrace: 60_000 });
  const source = new Subject<number>();
  const task = bind(obeyAbort, begin.port, end.port);
  const subscription = source.pipe(poolMap(pool, task)).subscribe(() => {
    throw new Error("There was a result");
  });
  source.next(1);
  await begin.entered();
  subscription.unsubscribe();
  assert(!source.observed);
  await end.entered();
  assertEquals(await pool.run(double, 1), 2);
  const { queued, running, hosts } = pool.stats();
  assertEquals([queued, running, hosts[0]?.lost], [0, 0, 0]);
});

Deno.test("poolMap() aborts running tasks when an operator after it has enough", async () => {
  await using begin = new Gate();
  await using end = new Gate();
  await using pool = new Pool({ workers: 2, cancelGrace: 60_000 });
  const wait = bind(obeyAbort, begin.port, end.port);
  const waiting = of(1).pipe(poolMap(pool, wait));
  const quick = from(begin.entered()).pipe(map(() => 1), poolMap(pool, double));
  assertEquals(await firstValueFrom(merge(waiting, quick)), 2);
  await end.entered();
});

Deno.test("poolMap() drops the values that arrive after the unsubscription", async () => {
  await using gate = new Gate();
  await using pool = new Pool({ workers: 1, cancelGrace: 60_000 });
  let emit: (x: number) => void = () => {};
  const source = new Observable<number>((subscriber) => {
    // A source that doesn't care whether anyone listens.
    emit = (x) => subscriber.next(x);
  });
  const task = bind(passGate<number>, gate.port);
  const options = { chunkSize: 1 };
  const results: number[] = [];
  const subscription = source.pipe(poolMap(pool, task, options))
    .subscribe((x) => results.push(x));
  emit(1);
  await gate.entered();
  emit(2);
  subscription.unsubscribe();
  emit(3);
  gate.open();
  assertEquals(await pool.run(double, 1), 2);
  assertEquals(results, []);
  assertEquals(pool.stats().queued + pool.stats().running, 0);
});

Deno.test("poolMap() takes values that its own results cause", async () => {
  await using pool = new Pool(1);
  const source = new Subject<number>();
  const results: number[] = [];
  const end = Promise.withResolvers<void>();
  source.pipe(poolMap(pool, double)).subscribe({
    next: (x) => {
      results.push(x);
      if (x < 1_000) source.next(x);
      else source.complete();
    },
    complete: end.resolve,
  });
  source.next(1);
  await end.promise;
  assertEquals(results, [2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024]);
});

Deno.test("poolMap() ends when a result causes the unsubscription", async () => {
  await using pool = new Pool(1);
  const source = new Subject<number>();
  const results: number[] = [];
  const end = Promise.withResolvers<void>();
  const subscription = source.pipe(
    poolMap(pool, double),
    finalize(end.resolve),
  ).subscribe((x) => {
    results.push(x);
    subscription.unsubscribe();
  });
  [1, 2, 3].forEach((x) => source.next(x));
  await end.promise;
  assertEquals(results, [2]);
  assert(!source.observed);
});

Deno.test("poolMap() emits the reason of its signal", async () => {
  await using gate = new Gate();
  await using pool = new Pool({ workers: 1, cancelGrace: 60_000 });
  const controller = new AbortController();
  const { signal } = controller;
  const source = new Subject<number>();
  const task = bind(passGate<number>, gate.port);
  const results = collect(source.pipe(poolMap(pool, task, { signal })));
  source.next(1);
  await gate.entered();
  const reason = new RangeError("enough");
  controller.abort(reason);
  assertEquals(await results, [reason]);
  gate.open();
  assert(!source.observed);
});

Deno.test("poolMap() emits a TimeoutError after its timeout", async () => {
  await using pool = new Pool(1);
  const results = NEVER.pipe(poolMap(pool, double, { timeout: 1 }));
  const [error] = await collect(results);
  assertInstanceOf(error, DOMException);
  assertEquals(error.name, "TimeoutError");
});

Deno.test("poolMap() keeps what is finished in a journal", async () => {
  using file = new TempJournal();
  await using pool = new Pool(1);
  const measure = (page: { url: string }) => page.url.length;
  const lengths = from([{ url: "a" }, { url: "bc" }]).pipe(
    poolMap(pool, measure, {
      journal: file.path,
      key: (page) => page.url,
    }),
  );
  for (let run = 0; run < 2; run++) {
    assertEquals(await collect(lengths), [1, 2, "complete"]);
    assertEquals(pool.stats().done, 2);
  }
  assertEquals(file.rows.map(({ key }) => key), ["a", "bc"]);
});

Deno.test("poolMap() emits a PoolClosedError when the pool is shut down", async () => {
  const pool = new Pool(1);
  const source = new Subject<number>();
  const begun = Promise.withResolvers<void>();
  const results = collect(
    source.pipe(poolMap(pool, double), tap(() => begun.resolve())),
  );
  source.next(1);
  await begun.promise;
  await pool.shutdown();
  const [first, error] = await results;
  assertEquals(first, 2);
  assertInstanceOf(error, PoolClosedError);
  assert(!source.observed);
  const [late] = await collect(of(1).pipe(poolMap(pool, double)));
  assertInstanceOf(late, PoolClosedError);
});

Deno.test("poolMap() refuses wrong options, and what isn't a pool", async () => {
  await using pool = new Pool({ workers: 1, lazy: true });
  const wrong: [object, typeof Error, string][] = [
    [{ chunksize: 1 }, TypeError, "poolMap() has no option 'chunksize'"],
    [{ chunkSize: 0 }, RangeError, "'chunkSize' must be"],
    [{ ordered: 1 }, TypeError, "'ordered' must be"],
    [[], TypeError, "The options of poolMap() must be an object"],
  ];
  for (const [options, type, message] of wrong) {
    assertThrows(() => poolMap(pool, double, options), type, message);
  }
  assertThrows(
    () => poolMap({} as Pool, double),
    TypeError,
    "'pool' must be a Pool, but is {}",
  );
});

Deno.test("poolMap() emits the values that a task yields, in order", async () => {
  await using pool = new Pool(2);
  const values = await collect(
    of(2, 0, 3).pipe(poolMap(pool, function* (n) {
      for (let x = 0; x < n; x++) yield n * 10 + x;
    })),
  );
  assertEquals(values, [20, 21, 30, 31, 32, "complete"]);
});

Deno.test("poolMap() emits a TypeError if the task can't be sent", async () => {
  await using pool = new Pool({ workers: 1, lazy: true });
  const source = new Subject<number>();
  const [error] = await collect(source.pipe(poolMap(pool, Math.sqrt)));
  assertInstanceOf(error, TypeError);
  assert(!source.observed);
});
