import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import type { Call } from "../../src/calls/call.ts";
import { CallRing } from "../../src/scheduling/call_ring.ts";

function makeCall(id: number): Call {
  return { id: id >>> 0 } as Call;
}

function ids(ring: CallRing): number[] {
  return [...ring].map(({ id }) => id);
}

/** A ring that is compared with a `Map` at each step. */
class Compared {
  readonly ring = new CallRing();
  readonly map = new Map<number, Call>();
  #nextId: number;

  constructor(firstId = 0) {
    this.#nextId = firstId;
  }

  get nextId(): number {
    return this.#nextId;
  }

  add(): void {
    const call = makeCall(this.#nextId);
    this.ring.add(call);
    this.map.set(call.id, call);
    this.#nextId = (this.#nextId + 1) >>> 0;
  }

  take(id: number): void {
    const call = this.map.get(id);
    assertStrictEquals(this.ring.get(id), call);
    assertStrictEquals(this.ring.take(id), call);
    this.map.delete(id);
    assertStrictEquals(this.ring.get(id), undefined);
  }

  compare(): void {
    assertEquals(ids(this.ring), [...this.map.keys()]);
  }
}

Deno.test("CallRing.replace() puts another call in the place of one", () => {
  const ring = new CallRing();
  const calls = Array.from({ length: 40 }, (_, id) => makeCall(id));
  for (const call of calls) {
    ring.add(call);
    // The place of the first call is used by later ones.
    if (call.id > 0) ring.take(call.id);
  }
  ring.add(makeCall(40));
  const others = [makeCall(0), makeCall(40)] as const;
  for (const other of others) {
    ring.replace(ring.get(other.id)!, other);
    assertStrictEquals(ring.get(other.id), other);
  }
  assertEquals(ids(ring), [0, 40]);
  for (const other of others) assertStrictEquals(ring.take(other.id), other);
  assertEquals(ids(ring), []);
});

Deno.test("CallRing.get() returns the call with an id", () => {
  const ring = new CallRing();
  const calls = [0, 1, 2].map(makeCall);
  for (const call of calls) ring.add(call);
  for (const call of calls) assertStrictEquals(ring.get(call.id), call);
  for (const id of [3, 16, 17, 1_024, 2 ** 31, 2 ** 32 - 1]) {
    assertStrictEquals(ring.get(id), undefined);
  }
});

Deno.test("CallRing.get() returns no call for an id above 32 bits", () => {
  const ring = new CallRing();
  for (const id of [0, 1]) ring.add(makeCall(id));
  for (const id of [2 ** 32, 2 ** 32 + 1, 2 ** 40, 0.5, -1, NaN]) {
    assertStrictEquals(ring.get(id), undefined);
    assertStrictEquals(ring.take(id), undefined);
  }
  assertEquals(ids(ring), [0, 1]);
});

Deno.test("CallRing.take() removes a call once", () => {
  const ring = new CallRing();
  for (const id of [0, 1, 2]) ring.add(makeCall(id));
  assertEquals(ring.take(1)?.id, 1);
  for (const id of [1, 3]) assertStrictEquals(ring.take(id), undefined);
  assertEquals(ids(ring), [0, 2]);
  ring.take(0);
  ring.take(2);
  ring.add(makeCall(3));
  assertEquals(ids(ring), [3]);
});

Deno.test("CallRing.add() accepts ids that start again at 0", () => {
  const compared = new Compared(2 ** 32 - 100);
  for (let count = 0; count < 200; count++) {
    compared.add();
    if (count % 3 > 0) compared.take((compared.nextId - 1) >>> 0);
  }
  compared.compare();
  assert(compared.nextId < 200);
  for (const id of [...compared.map.keys()]) compared.take(id);
  compared.compare();
});

Deno.test("CallRing.add() accepts a call whose id isn't the next", () => {
  const ring = new CallRing();
  for (const id of [1, 2, 9, 10, 4_000]) ring.add(makeCall(id));
  assertEquals(ids(ring), [1, 2, 9, 10, 4_000]);
  for (const id of [2, 4_000, 9]) assertEquals(ring.take(id)?.id, id);
  assertEquals(ids(ring), [1, 10]);
});

Deno.test("CallRing.clear() removes all calls", () => {
  const ring = new CallRing();
  for (let id = 0; id < 5_000; id++) {
    ring.add(makeCall(id));
    if (id > 2) ring.take(id - 2);
  }
  ring.clear();
  assertEquals(ids(ring), []);
  for (const id of [0, 1, 4_999]) assertStrictEquals(ring.get(id), undefined);
  ring.add(makeCall(5_000));
  assertEquals(ids(ring), [5_000]);
});

Deno.test("CallRing keeps calls that many others overtake, in order", () => {
  const compared = new Compared();
  const kept = new Set([0, 1, 700, 5_000, 20_000]);
  for (let id = 0; id < 50_000; id++) {
    compared.add();
    if (id >= 10 && !kept.has(id - 10)) compared.take(id - 10);
    if (id % 5_000 === 0) compared.compare();
  }
  compared.compare();
  for (const id of [20_000, 0, 5_000, 1, 700]) compared.take(id);
  compared.compare();
});

Deno.test("CallRing.length depends on the calls at a time, even if one of them stays", () => {
  const ring = new CallRing();
  for (let id = 0; id < 100_000; id++) {
    ring.add(makeCall(id));
    if (id >= 20) ring.take(id - 20 + 1);
    assert(ring.length <= 64);
  }
  assertEquals(ring.get(0)?.id, 0);
});

Deno.test("CallRing.length decreases when there are fewer calls at a time", () => {
  const ring = new CallRing();
  for (let id = 0; id < 4_000; id++) ring.add(makeCall(id));
  assert(ring.length >= 4_000);
  for (let id = 0; id < 4_000; id++) ring.take(id);
  for (let id = 4_000; id < 50_000; id++) {
    ring.add(makeCall(id));
    ring.take(id);
  }
  assert(ring.length <= 32);
  assertEquals(ids(ring), []);
});

Deno.test("CallRing behaves like a Map at any order of answers", () => {
  let seed = 1;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return (seed >>> 8) % below;
  };
  const compared = new Compared(2 ** 32 - 20_000);
  for (let step = 0; step < 200_000; step++) {
    // Long phases with few calls and with thousands.
    const most = step % 40_000 < 20_000 ? 8 : 3_000;
    if (compared.map.size < most && random(2) === 0) compared.add();
    else {
      const back = 1 + random(random(4) === 0 ? 4_000 : 16);
      compared.take((compared.nextId - back) >>> 0);
    }
    if (step % 5_000 === 0) compared.compare();
  }
  compared.compare();
});
