import { assert, assertEquals, assertRejects } from "@std/assert";
import { CallerTrace } from "../../src/calls/caller_trace.ts";
import { WorkerLostError } from "../../src/errors/worker_lost_error.ts";
import { ChunkSize } from "../../src/map/chunk_size.ts";
import { Items } from "../../src/map/items.ts";
import type { MapResults } from "../../src/map/map_results.ts";
import { prepareMap } from "../../src/map/map_run.ts";
import { Speculation } from "../../src/map/speculation.ts";
import { WatchedCall } from "../../src/map/watched_call.ts";
import { FakeTime } from "../helpers/fake_time.ts";
import {
  type RetryOptions,
  retrySettings,
} from "../../src/options/retry_options.ts";
import {
  CHUNK,
  type FakeWorker,
  HostBench,
  MAP,
  RUNNER,
  settled,
  TASK,
} from "../helpers/fake_worker.ts";
import { until } from "../helpers/processes.ts";

/** The options of a map of a scene. */
interface SceneOptions {
  readonly hosts?: readonly string[];
  readonly chunkSize?: number;
  readonly retries?: number;
  readonly retry?: RetryOptions;
}

/** A map whose last call runs at a worker for long. */
class Scene implements AsyncDisposable {
  readonly bench: HostBench;
  /** All results of the map. */
  readonly results: Promise<unknown[]>;
  readonly items: number[];
  readonly #map: MapResults<unknown>;

  private constructor(
    readonly workers: FakeWorker[],
    bench: HostBench,
    { chunkSize = 1, retries = 0, retry }: SceneOptions,
  ) {
    this.bench = bench;
    this.items = Array.from({ length: 12 * chunkSize }, (_, index) => index);
    this.#map = prepareMap<unknown>({
      task: TASK,
      items: new Items([this.items]),
      spread: false,
      chunkSize: new ChunkSize(chunkSize),
      ordered: true,
      timeout: undefined,
      trace: new CallerTrace(Scene.begin),
      signal: undefined,
      terms: retry === undefined
        ? { retries }
        : { retries, retry: retrySettings(retry) },
      speculate: true,
    }, bench.scheduler);
    this.results = this.#map.toArray();
    this.results.catch(() => {});
  }

  /** Starts a map, and answers all calls but one, at the first worker. */
  static async begin(options: SceneOptions = {}): Promise<Scene> {
    const { hosts = ["a", "a"], chunkSize = 1 } = options;
    const bench = new HostBench();
    const workers: FakeWorker[] = [];
    for (const host of hosts) workers.push(await bench.add(host));
    const scene = new Scene(workers, bench, options);
    await settled();
    for (let answered = 0; answered < 11;) {
      for (const worker of workers.slice(1)) {
        if (answered === 11 || worker.labels.length === 0) continue;
        answered++;
        await (chunkSize > 1 ? worker.answerChunk() : worker.answer());
      }
    }
    assertEquals(workers.map(({ labels }) => labels.length), [
      1,
      ...workers.slice(1).map(() => 0),
    ]);
    return scene;
  }

  /** Waits until a worker runs the last call a second time. */
  async backedUp(at = 1): Promise<void> {
    const worker = this.workers[at]!;
    await until(() => worker.labels.length > 0);
    assertEquals(worker.labels, this.workers[0]!.labels);
  }

  async leave(): Promise<void> {
    await this.#map.return!();
    await settled();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.leave();
    await this.bench[Symbol.asyncDispose]();
  }
}

Deno.test("Speculation takes the result of the second run if it comes first", async () => {
  await using scene = await Scene.begin();
  await scene.backedUp();
  await scene.workers[1]!.answer();
  assertEquals(await scene.results, scene.items);
  // The first run is still going on, and its answer is ignored.
  assertEquals(scene.bench.scheduler.pending, 1);
  await scene.workers[0]!.answer();
  assert(scene.bench.scheduler.isIdle);
});

Deno.test("Speculation takes the result of the first run if it comes first", async () => {
  await using scene = await Scene.begin();
  await scene.backedUp();
  await scene.workers[0]!.answer();
  assertEquals(await scene.results, scene.items);
  await scene.workers[1]!.fail();
  assert(scene.bench.scheduler.isIdle);
});

for (const index of [0, 1]) {
  const which = index === 0 ? "first" : "second";

  Deno.test(`Speculation ends the map if the ${which} run fails first`, async () => {
    await using scene = await Scene.begin();
    await scene.backedUp();
    await scene.workers[index]!.fail();
    await assertRejects(() => scene.results, TypeError, "failed");
    await scene.workers[1 - index]!.answer();
    assert(scene.bench.scheduler.isIdle);
  });

  Deno.test(`Speculation waits for the other run if the worker of the ${which} one is lost`, async () => {
    await using scene = await Scene.begin();
    await scene.backedUp();
    await scene.workers[index]!.hangUp();
    await scene.workers[1 - index]!.answer();
    assertEquals(await scene.results, scene.items);
    assert(scene.bench.scheduler.isIdle);
  });

  Deno.test(`Speculation counts one loss if both workers are lost, that of the ${which} run first`, async () => {
    await using scene = await Scene.begin();
    await scene.backedUp();
    await scene.workers[index]!.hangUp();
    await scene.workers[1 - index]!.hangUp();
    const { tries } = await assertRejects(
      () => scene.results,
      WorkerLostError,
    );
    assertEquals(tries, 1);
    assert(scene.bench.scheduler.isIdle);
  });

  Deno.test(`Speculation leaves a retry if both workers are lost, that of the ${which} run first`, async () => {
    await using scene = await Scene.begin({
      hosts: ["a", "a", "a"],
      retries: 1,
    });
    await scene.backedUp();
    const { labels } = scene.workers[0]!;
    const idle = scene.workers[2]!;
    await scene.workers[index]!.hangUp();
    assertEquals(idle.labels, []);
    await scene.workers[1 - index]!.hangUp();
    assertEquals(idle.labels, labels);
    await idle.answer();
    assertEquals(await scene.results, scene.items);
    assert(scene.bench.scheduler.isIdle);
  });
}

Deno.test("Speculation watches a call that runs again after a pause", async () => {
  // The call counts as slow, and the timer expires, before the pause is over.
  const retry = { minTimeout: 500, jitter: 0 };
  await using scene = await Scene.begin({ retry });
  const { workers } = scene;
  await workers[0]!.fail();
  await until(() => workers.every(({ labels }) => labels.length > 0));
  for (const worker of workers) await worker.answer();
  assertEquals(await scene.results, scene.items);
  assert(scene.bench.scheduler.isIdle);
});

Deno.test("Speculation prefers a worker on another host", async () => {
  await using scene = await Scene.begin({ hosts: ["a", "a", "b", "a"] });
  await scene.backedUp(2);
  await scene.workers[2]!.answer();
  assertEquals(await scene.results, scene.items);
  await scene.workers[0]!.answer();
});

Deno.test("Speculation runs a chunk a second time", async () => {
  await using scene = await Scene.begin({ chunkSize: 4 });
  await scene.backedUp();
  await scene.workers[1]!.answerChunk();
  assertEquals(await scene.results, scene.items);
  await scene.workers[0]!.answerChunk();
  assert(scene.bench.scheduler.isIdle);
});

Deno.test("Speculation hands out the items that the second run leaves", async () => {
  await using scene = await Scene.begin({ chunkSize: 4 });
  await scene.backedUp();
  const [items] = scene.workers[1]!.labels as [number[]];
  await scene.workers[1]!.answerChunk(1, 1);
  assertEquals(scene.workers[1]!.labels, [items.slice(1)]);
  await scene.workers[1]!.answerChunk();
  assertEquals(await scene.results, scene.items);
  await scene.workers[0]!.answerChunk();
  assert(scene.bench.scheduler.isIdle);
});

Deno.test("Speculation takes only the results that a cut chunk needs", async () => {
  await using scene = await Scene.begin({ chunkSize: 4 });
  await scene.backedUp();
  const [items] = scene.workers[0]!.labels as [number[]];
  scene.workers[0]!.handle.recall({ parts: 2, keep: 0, cut: true });
  await settled();
  await scene.workers[0]!.cut(1);
  await scene.workers[1]!.answerChunk();
  // The items that were given back run on, and not a third time.
  assertEquals(scene.workers[1]!.labels, [items.slice(1)]);
  await scene.workers[1]!.answerChunk();
  assertEquals(await scene.results, scene.items);
  await scene.workers[0]!.answerChunk();
  assert(scene.bench.scheduler.isIdle);
});

Deno.test("Speculation leaves a call to its second run if the first worker gives it back", async () => {
  await using scene = await Scene.begin();
  await scene.backedUp();
  scene.workers[0]!.handle.recall({ parts: 0, keep: 0, cut: false });
  await settled();
  await scene.workers[0]!.giveBack(1);
  assertEquals(scene.workers[0]!.labels, []);
  await scene.workers[1]!.answer();
  assertEquals(await scene.results, scene.items);
  assert(scene.bench.scheduler.isIdle);
});

Deno.test("Speculation drops a second run that its worker gives back", async () => {
  await using scene = await Scene.begin();
  await scene.backedUp();
  scene.workers[1]!.handle.recall({ parts: 0, keep: 0, cut: false });
  await settled();
  await scene.workers[1]!.giveBack(1);
  assertEquals(scene.workers[1]!.labels, []);
  await scene.workers[0]!.answer();
  assertEquals(await scene.results, scene.items);
  assert(scene.bench.scheduler.isIdle);
});

Deno.test("Speculation runs a call a second time that had to wait again", () => {
  using time = new FakeTime();
  const backedUp: unknown[] = [];
  const sink = {
    addSource() {},
    submit() {},
    resubmit() {},
    resubmitLater() {},
    wake() {},
    backUp: (call: unknown) => backedUp.push(call) > 0,
  };
  const speculation = new Speculation(sink, () => true);
  const calls = Array.from(
    { length: 11 },
    () => new WatchedCall(MAP, CHUNK, [1]),
  );
  const last = calls.pop()!;
  speculation.add(last, undefined);
  for (const call of calls) {
    speculation.add(call, undefined);
    speculation.settled(call, 0, 1);
  }
  // Its task has thrown, or its worker has given it back.
  time.tick(10_000);
  assertEquals(backedUp, []);
  last.send({ ...RUNNER, runningTime: () => 10_000 }, 1, 1, 1);
  time.tick(10_000);
  assert(backedUp.includes(last));
  speculation.end();
});

Deno.test("Speculation ends with the map", async () => {
  await using scene = await Scene.begin();
  await scene.backedUp();
  await scene.leave();
  for (const worker of scene.workers) await worker.answer();
  assert(scene.bench.scheduler.isIdle);
});
