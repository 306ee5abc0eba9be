import {
  assert,
  assertEquals,
  assertFalse,
  assertGreaterOrEqual,
  assertLessOrEqual,
} from "@std/assert";
import type { Call } from "../../src/calls/call.ts";
import { Placement } from "../../src/calls/placement.ts";
import { isCount, type WorkerPlace } from "../../src/options/place.ts";
import type { Grant } from "../../src/protocol/worker_messages.ts";
import { ResourceCalls } from "../../src/scheduling/resource_calls.ts";
import type { ResourceList } from "../../src/scheduling/resource_claim.ts";
import type { WorkerHandle } from "../../src/scheduling/worker_handle.ts";
import { Random } from "../helpers/random.ts";

/** A call, as far as it concerns resources. */
interface FakeCall {
  readonly terms: { readonly placement: Placement };
  readonly number: number;
  /** Whether it has a higher priority than others. */
  readonly isUrgent: boolean;
  state: "queued" | "sent" | "settled";
}

/** A worker whose calls the test ends. */
class FakeWorker {
  readonly window: { calls: number; concurrency: number };
  readonly running = new Map<FakeCall, Grant>();
  reservation: string | undefined;
  nextId = 0;
  isEnding = false;
  isRetired = false;
  readonly isRecalling = false;
  readonly host = "local";
  recalls = 0;

  constructor(readonly place: WorkerPlace, concurrency: number) {
    this.window = { calls: 0, concurrency };
  }

  get handle(): WorkerHandle {
    return this as unknown as WorkerHandle;
  }

  get isReceptive(): boolean {
    return !this.isEnding && !this.isRetired;
  }

  get isOpen(): boolean {
    return this.isReceptive && this.reservation === undefined;
  }

  get items(): number {
    return this.window.calls;
  }

  fits(placement: Placement): boolean {
    return placement.matches(this.host, this.place);
  }

  reserve(reservation: string | undefined): void {
    this.reservation = reservation;
  }

  recall(): void {
    this.recalls++;
  }
}

/** Machines, workers and calls, and a model of who has what. */
class Model {
  readonly resources = new ResourceCalls();
  readonly workers: FakeWorker[] = [];
  readonly queues = new Map<Placement, FakeCall[]>();
  /** The calls of a higher priority. */
  readonly urgent = new Map<Placement, FakeCall[]>();
  /** The isolated calls that wait. */
  readonly isolated = new Map<FakeCall, ResourceList>();
  readonly #isolatedCalls = new Set<FakeCall>();
  /** How many calls without resources wait. */
  others = 0;
  /** How many of a higher priority do. */
  urgentOthers = 0;
  submitted = 0;
  /** The calls in the order in which they began. */
  readonly begun: FakeCall[] = [];

  /** Adds a worker. */
  add(place: WorkerPlace, concurrency = 1): FakeWorker {
    const worker = new FakeWorker(place, concurrency);
    this.workers.push(worker);
    this.resources.add(worker.handle);
    return worker;
  }

  /** Queues calls. */
  submit(
    resources: Record<string, number>,
    count = 1,
    isUrgent = false,
  ): FakeCall[] {
    const placement = Placement.of({ resources })!;
    const queues = isUrgent ? this.urgent : this.queues;
    const queue = queues.get(placement) ?? [];
    queues.set(placement, queue);
    const calls = Array.from(
      { length: count },
      () => this.#make(placement, isUrgent),
    );
    queue.push(...calls);
    return calls;
  }

  isolate(resources: Record<string, number>): FakeCall {
    const placement = Placement.of({ resources })!;
    const call = this.#make(placement);
    const { isolated } = this;
    this.#isolatedCalls.add(call);
    isolated.set(call, {
      placement,
      isIsolated: true,
      priority: 0,
      calls: {
        get length() {
          return isolated.has(call) ? 1 : 0;
        },
        shift() {
          isolated.delete(call);
          return call as unknown as Call;
        },
      },
    });
    return call;
  }

  /** Ends a call, and frees what it had. */
  end(worker: FakeWorker, call: FakeCall): void {
    worker.running.delete(call);
    worker.window.calls--;
    call.state = "settled";
    this.resources.freed(worker.handle, call as unknown as Call);
    this.#changed(worker);
  }

  /** Ends a call without resources. */
  endOther(worker: FakeWorker): void {
    worker.window.calls--;
    this.#changed(worker);
  }

  lose(worker: FakeWorker): void {
    this.workers.splice(this.workers.indexOf(worker), 1);
    worker.isEnding = true;
    for (const call of worker.running.keys()) call.state = "settled";
    worker.running.clear();
    this.resources.remove(worker.handle);
  }

  /** Sends what can be sent, as a scheduler does. */
  dispatch(): void {
    const takers = {
      send: (handle: WorkerHandle, sent: Call, grant: Grant) => {
        const worker = handle as unknown as FakeWorker;
        const call = sent as unknown as FakeCall;
        assertLessOrEqual(worker.window.calls + 1, worker.window.concurrency);
        assert(worker.isReceptive);
        const mayBegin = call.isUrgent || this.#isolatedCalls.has(call);
        assert(mayBegin || this.urgentOthers === 0);
        worker.window.calls++;
        worker.nextId++;
        worker.running.set(call, grant);
        call.state = "sent";
        this.begun.push(call);
        this.resources.changed(handle);
        this.check();
      },
      othersWait: (_: WorkerHandle, priority: number, isHigher: boolean) =>
        this.urgentOthers > 0 && (isHigher ? priority < 1 : priority <= 1) ||
        this.others > 0 && (isHigher ? priority < 0 : priority <= 0),
    };
    this.resources.dispatch(this.#lists(), takers);
    this.#share();
    if (this.resources.dispatchRest(takers)) this.dispatch();
  }

  /** Checks that nobody has what another has, or more than there is. */
  check(): void {
    const used = new Map<WorkerPlace, Map<string, number>>();
    const units = new Map<string, number>();
    for (const { place, running } of this.workers) {
      const sums = used.get(place) ?? new Map<string, number>();
      used.set(place, sums);
      for (const [call, grant] of running) {
        for (const [name, amount] of call.terms.placement.needs!) {
          sums.set(name, (sums.get(name) ?? 0) + amount);
          if (!isCount(place.resources[name]!)) {
            assertEquals(grant[name], amount);
            continue;
          }
          const numbers = grant[name] as number[];
          assertEquals(numbers.length, Math.ceil(amount));
          for (const number of numbers) {
            assert(number < place.resources[name]!);
            const key = `${place.labels.name}/${name}/${number}`;
            const share = (units.get(key) ?? 0) + Math.min(1, amount);
            assertLessOrEqual(share, 1 + 1e-6, key);
            units.set(key, share);
          }
        }
      }
    }
    for (const [place, sums] of used) {
      for (const [name, sum] of sums) {
        assertLessOrEqual(sum, place.resources[name]! * (1 + 1e-6));
      }
    }
  }

  /** Checks that a list that waits alone couldn't send its first call. */
  checkUse(message: string): void {
    const lists = [...this.queues, ...this.urgent]
      .filter(([, { length }]) => length > 0);
    const others = this.isolated.size + this.others + this.urgentOthers;
    if (lists.length !== 1 || others > 0) return;
    const [[placement]] = lists as [[Placement, FakeCall[]]];
    for (const worker of this.workers) {
      const { window, reservation, isReceptive } = worker;
      const isFree = reservation !== "isolated" && isReceptive &&
        window.calls < window.concurrency;
      if (!isFree || !worker.fits(placement)) continue;
      const isEnough = placement.needs!.every(([name, amount]) =>
        this.#free(worker.place, name) + 1e-6 >= Math.ceil(amount)
      );
      assertFalse(isEnough, message);
    }
  }

  get waiting(): number {
    return [...this.queues.values(), ...this.urgent.values()].reduce(
      (sum, { length }) => sum + length,
      0,
    ) +
      this.isolated.size;
  }

  /** The calls that run, with their workers. */
  get running(): [FakeWorker, FakeCall][] {
    return this.workers.flatMap((worker) =>
      [...worker.running.keys()].map((call): [FakeWorker, FakeCall] => [
        worker,
        call,
      ])
    );
  }

  /** Returns how many whole units are free, or how much of an amount. */
  #free(place: WorkerPlace, name: string): number {
    const total = place.resources[name]!;
    const grants = this.workers.filter((worker) => worker.place === place)
      .flatMap(({ running }) => [...running.values()]);
    if (isCount(total)) {
      return total - new Set(grants.flatMap((grant) => grant[name] ?? [])).size;
    }
    return grants.reduce(
      (free, grant) => free - (grant[name] as number ?? 0),
      total,
    );
  }

  #make(placement: Placement, isUrgent = false): FakeCall {
    return {
      terms: { placement },
      number: this.submitted++,
      isUrgent,
      state: "queued",
    };
  }

  #lists(): Map<object, ResourceList> {
    const lists = new Map<object, ResourceList>(this.isolated);
    for (const queues of [this.urgent, this.queues]) {
      const priority = queues === this.urgent ? 1 : 0;
      for (const [placement, queue] of queues) {
        if (queue.length === 0) continue;
        const calls = queue as unknown as ResourceList["calls"];
        lists.set(queue, { placement, calls, priority, isIsolated: false });
      }
    }
    return lists;
  }

  /** Sends calls without resources to all workers that are open. */
  #share(): void {
    for (const worker of this.workers) {
      const { window } = worker;
      while (
        this.others + this.urgentOthers > 0 && worker.isOpen &&
        window.calls < window.concurrency
      ) {
        if (this.urgentOthers > 0) this.urgentOthers--;
        else this.others--;
        window.calls++;
        worker.nextId++;
        this.resources.changed(worker.handle);
      }
    }
  }

  #changed(worker: FakeWorker): void {
    if (worker.window.calls === 0 && worker.reservation === "isolated") {
      worker.reservation = undefined;
    }
    this.resources.changed(worker.handle);
  }
}

/** Makes a place; the name tells it from others. */
function place(name: string, resources: Record<string, number>): WorkerPlace {
  return { labels: { name }, resources };
}

Deno.test("ResourceCalls gives each call units of its own until it ends", () => {
  const model = new Model();
  const machine = place("a", { gpu: 2 });
  const workers = [1, 2, 3].map(() => model.add(machine));
  const [first, second, third] = model.submit({ gpu: 1 }, 3);
  model.dispatch();
  assertEquals(workers.map(({ running }) => [...running]), [
    [[first!, { gpu: [0] }]],
    [[second!, { gpu: [1] }]],
    [],
  ]);
  model.end(workers[0]!, first!);
  model.dispatch();
  // The worker has its GPU again.
  assertEquals([...workers[0]!.running], [[third!, { gpu: [0] }]]);
});

Deno.test("ResourceCalls gives a worker the units that it had before", () => {
  const model = new Model();
  const machine = place("a", { gpu: 3 });
  const workers = [1, 2, 3].map(() => model.add(machine));
  for (let round = 0; round < 20; round++) {
    const calls = model.submit({ gpu: 1 }, 3);
    model.dispatch();
    workers.forEach(({ running }, unit) =>
      assertEquals([...running.values()], [{ gpu: [unit] }])
    );
    for (const call of [2, 0, 1].map((at) => calls[at]!)) {
      model.end(workers.find(({ running }) => running.has(call))!, call);
    }
  }
});

Deno.test("ResourceCalls lets small calls share a unit, but not with whole ones", () => {
  const model = new Model();
  const machine = place("a", { gpu: 2 });
  const worker = model.add(machine, 8);
  model.submit({ gpu: 0.5 }, 2);
  model.submit({ gpu: 1 }, 1);
  model.submit({ gpu: 0.25 }, 1);
  model.dispatch();
  assertEquals([...worker.running.values()], [
    { gpu: [0] },
    { gpu: [0] },
    { gpu: [1] },
  ]);
  assertEquals(model.waiting, 1);
});

Deno.test("ResourceCalls keeps a large call from waiting for ever", () => {
  const model = new Model();
  const machine = place("a", { gpu: 4 });
  for (let count = 0; count < 6; count++) model.add(machine);
  model.submit({ gpu: 1 }, 50);
  model.dispatch();
  const before = model.running.map(([, call]) => call);
  const [large] = model.submit({ gpu: 4 });
  model.dispatch();
  assertEquals(before.length, 4);
  while (large!.state === "queued") {
    model.end(...model.running[0]!);
    model.dispatch();
  }
  // Only the call that had waited longer has begun before.
  assertEquals(model.begun.map(({ number }) => number), [0, 1, 2, 3, 4, 50]);
});

Deno.test("ResourceCalls keeps small calls from waiting for ever", () => {
  const model = new Model();
  const machine = place("a", { gpu: 4 });
  for (let count = 0; count < 6; count++) model.add(machine);
  model.submit({ gpu: 4 }, 20);
  model.dispatch();
  const small = model.submit({ gpu: 1 }, 20);
  let rounds = 0;
  for (; small.some(({ state }) => state !== "settled"); rounds++) {
    model.dispatch();
    for (const [worker, call] of model.running) model.end(worker, call);
  }
  // They take turns with the large ones, as many as fit at a time.
  assertLessOrEqual(rounds, 2 * 20 / 4 + 2);
  assertGreaterOrEqual(
    model.begun.filter((call) => !small.includes(call)).length,
    4,
  );
});

Deno.test("ResourceCalls takes turns with calls that take nothing", () => {
  const model = new Model();
  const worker = model.add(place("a", { gpu: 1 }));
  model.submit({ gpu: 1 }, 10);
  model.others = 10;
  const order: string[] = [];
  for (let count = 0; count < 20; count++) {
    model.dispatch();
    const [call] = worker.running.keys();
    order.push(call === undefined ? "other" : "gpu");
    if (call === undefined) model.endOther(worker);
    else model.end(worker, call);
  }
  assertEquals(order, new Array(10).fill(["gpu", "other"]).flat());
});

Deno.test("ResourceCalls holds a worker if only a worker is missing", () => {
  const model = new Model();
  const machine = place("a", { gpu: 1 });
  const [one, other] = [model.add(machine), model.add(machine)];
  model.others = 4;
  model.dispatch();
  assertEquals([one.window.calls, other.window.calls, model.others], [1, 1, 2]);
  const [call] = model.submit({ gpu: 1 });
  model.dispatch();
  assertEquals([one.reservation, other.reservation], ["draining", undefined]);
  model.endOther(one);
  model.dispatch();
  assert(one.running.has(call!));
  assertEquals([one.reservation, model.others], [undefined, 2]);
  // The worker that is free first gets the next call; the other isn't held.
  const [next] = model.submit({ gpu: 1 });
  model.end(one, call!);
  model.dispatch();
  assertEquals([one.window.calls, model.others], [1, 1]);
  assertEquals([one.reservation, other.reservation], [undefined, "draining"]);
  model.endOther(one);
  model.dispatch();
  assert(one.running.has(next!));
  assertEquals(other.reservation, undefined);
});

Deno.test("ResourceCalls gives a worker back if the call is cancelled", () => {
  const model = new Model();
  const worker = model.add(place("a", { gpu: 1 }));
  model.others = 2;
  model.dispatch();
  model.submit({ gpu: 1 });
  model.dispatch();
  assertEquals(worker.reservation, "draining");
  model.queues.clear();
  model.dispatch();
  assertEquals(worker.reservation, undefined);
  model.endOther(worker);
  model.dispatch();
  assertEquals([worker.window.calls, model.others], [1, 0]);
});

Deno.test("ResourceCalls frees what a lost worker's calls had", () => {
  const model = new Model();
  const machine = place("a", { memory: 64e9 });
  const [one, other] = [model.add(machine), model.add(machine)];
  model.submit({ memory: 48e9 });
  model.dispatch();
  const [next] = model.submit({ memory: 32e9 });
  model.dispatch();
  assertFalse(other.running.has(next!));
  model.lose(one);
  model.dispatch();
  assert(other.running.has(next!));
});

Deno.test("ResourceCalls moves on if a machine goes where a call waits", () => {
  const model = new Model();
  const [a, b] = [place("a", { gpu: 1 }), place("b", { gpu: 1 })];
  const [one, other] = [model.add(a), model.add(b)];
  const [, second] = model.submit({ gpu: 1 }, 4);
  model.dispatch();
  model.lose(one);
  model.dispatch();
  model.end(other, second!);
  model.dispatch();
  assertEquals([other.running.size, model.waiting], [1, 1]);
});

Deno.test("ResourceCalls sends calls to a worker that follows one that leaves", () => {
  const model = new Model();
  const machine = place("a", { gpu: 1 });
  const leaving = model.add(machine);
  leaving.isRetired = true;
  const [call] = model.submit({ gpu: 1 });
  model.dispatch();
  const next = model.add(machine);
  model.dispatch();
  assert(next.running.has(call!));
});

Deno.test("ResourceCalls sends calls that wait when all workers of a machine leave to the next one", () => {
  const model = new Model();
  const machine = place("a", { gpu: 1 });
  const leaving = model.add(machine);
  const [first, second] = model.submit({ gpu: 1 }, 2);
  model.dispatch();
  leaving.isRetired = true;
  model.end(leaving, first!);
  model.dispatch();
  const next = model.add(machine);
  model.dispatch();
  assert(next.running.has(second!));
});

Deno.test("ResourceCalls sends calls to a worker that doesn't leave after all", () => {
  const model = new Model();
  const worker = model.add(place("a", { gpu: 1 }));
  worker.isRetired = true;
  const [call] = model.submit({ gpu: 1 });
  model.dispatch();
  // A map may ask at that moment.
  const { placement } = call!.terms;
  model.resources.room(placement);
  worker.isRetired = false;
  assertEquals(model.resources.room(placement), 1);
  model.resources.changed(worker.handle);
  model.dispatch();
  assert(worker.running.has(call!));
});

Deno.test("ResourceCalls.room() is what could run at once", () => {
  const model = new Model();
  const [a, b] = [place("a", { gpu: 4 }), place("b", { gpu: 1, tpu: 1 })];
  for (const machine of [a, a, b]) model.add(machine);
  const one = Placement.of({ resources: { gpu: 1 } })!;
  assertEquals(model.resources.room(one), 3);
  assertEquals(model.resources.capacity(one).workers, 3);
  const pairs = Placement.of({ resources: { gpu: 2 } })!;
  assertEquals(model.resources.room(pairs), 2);
  assertEquals(
    model.resources.room(Placement.of({ resources: { tpu: 2 } })!),
    0,
  );
  model.submit({ gpu: 1 }, 2);
  model.dispatch();
  assertEquals([model.resources.room(one), model.resources.room(pairs)], [
    1,
    2,
  ]);
});

/** Amounts that calls ask for in random sequences. */
const ASKS: Record<string, number>[] = [
  { gpu: 1 },
  { gpu: 2 },
  { gpu: 4 },
  { gpu: 0.5 },
  { gpu: 0.3 },
  { memory: 10e9 },
  { memory: 60e9 },
  { gpu: 1, memory: 20e9 },
  { gpu: 3, memory: 64e9 },
];

/** Places of which random sequences have one each. */
const STOCKS: Record<string, number>[] = [
  { gpu: 4, memory: 64e9 },
  { gpu: 2 },
  { memory: 30e9 },
  {},
];

Deno.test("ResourceCalls keeps its promises in random sequences", () => {
  for (let seed = 1; seed <= 3_000; seed++) {
    const random = new Random(seed);
    const model = new Model();
    const places = STOCKS.map((stock, at) => place(`${at}`, stock));
    const addWorker = () =>
      model.add(pick(random, places), random.pick([1, 1, 1, 3]));
    // All can run somewhere.
    for (let count = 0; count < 2; count++) model.add(places[0]!);
    for (let step = 0; step < 40; step++) {
      act(random, model, addWorker);
      model.dispatch();
      model.check();
      model.checkUse(`seed ${seed}, step ${step}`);
    }
    finish(model, seed);
  }
});

function pick<T>(random: Random, items: readonly T[]): T {
  return items[random.below(items.length)]!;
}

/** Does something that happens in a pool. */
function act(random: Random, model: Model, addWorker: () => void): void {
  const { workers, running } = model;
  switch (random.below(9)) {
    case 0:
    case 1:
      model.submit(
        pick(random, ASKS),
        1 + random.below(4),
        random.below(4) === 0,
      );
      return;
    case 2:
      if (random.below(4) === 0) model.urgentOthers += random.below(3);
      else model.others += random.below(6);
      return;
    case 3:
    case 4:
    case 5: {
      if (running.length > 0) model.end(...pick(random, running));
      const others = workers.filter((worker) =>
        worker.window.calls > worker.running.size
      );
      if (others.length > 0) model.endOther(pick(random, others));
      return;
    }
    case 6: {
      const queues = [...model.queues.values(), ...model.urgent.values()];
      if (queues.length > 0) pick(random, queues).shift();
      return;
    }
    case 7:
      if (random.below(3) > 0) addWorker();
      else if (workers.length > 2) model.lose(workers.at(-1)!);
      return;
    case 8:
      model.isolate(pick(random, ASKS));
      return;
  }
}

/** Ends all calls until none is left: none may wait for ever. */
function finish(model: Model, seed: number): void {
  const others = () => model.others + model.urgentOthers;
  for (let round = 0; model.waiting + others() > 0; round++) {
    assertLessOrEqual(round, 500, `seed ${seed}`);
    model.dispatch();
    model.check();
    const { running } = model;
    const busy = model.workers.filter((worker) =>
      worker.window.calls > worker.running.size
    );
    assertGreaterOrEqual(
      running.length + busy.length,
      1,
      `seed ${seed}: ${model.waiting} and ${others()} wait, none runs`,
    );
    for (const [worker, call] of running) model.end(worker, call);
    for (const worker of busy) model.endOther(worker);
  }
}
