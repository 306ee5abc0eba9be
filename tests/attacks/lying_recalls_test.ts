import { assertEquals } from "@std/assert";
import { Pool, WorkerLostError } from "../../mod.ts";
import { MessageType } from "../../src/protocol/worker_messages.ts";
import { type Lie, LyingHost, says } from "../helpers/lying_host.ts";
import { realDeadline } from "../helpers/real_timers.ts";

const { CHUNK_RESULTS, RECALLED, RESULTS } = MessageType;

/** How long an expected event may take, in milliseconds. */
const TIMEOUT = 60_000;

/** A worker that never answers. */
const silent: Lie = () => {};

const ITEMS = Array.from({ length: 24 }, (_, index) => index);

function within<T>(promise: Promise<T>): Promise<T> {
  return realDeadline(promise, TIMEOUT);
}

/** Lies about calls that are recalled; the id is that of the last one. */
const LIES: readonly [name: string, lie: Lie][] = [
  ["gives back calls that don't exist", says(() => [RECALLED, [999, 1, 0]])],
  ["gives back a call twice", says((id) => [RECALLED, [id, 1, 0, id, 1, 0]])],
  [
    "gives back a call and answers it",
    says((id) => [RECALLED, [id, 1, 0]], (id) => [RESULTS, id, 1, [-1]]),
  ],
  [
    "gives back calls that it has answered",
    says((id) => [RESULTS, id, 1, [-1]], (id) => [RECALLED, [id, 1, 0]]),
  ],
  [
    "answers one recall twice",
    says((id) => [RECALLED, [id, 1, 0]], (id) => [RECALLED, [id - 1, 1, 0]]),
  ],
  [
    "cuts a call that is no chunk",
    says((id) => [RECALLED, [id, 1, 1]]),
  ],
  [
    "gives back endless calls",
    says((id) => [RECALLED, [id - 1, 2 ** 32 - 1, 0]]),
  ],
  ["gives back half a run", says((id) => [RECALLED, [id, 1]])],
  ["gives back negative calls", says((id) => [RECALLED, [id, -1, 0]])],
  ["gives back no list", says((id) => [RECALLED, id])],
];

for (const [name, lie] of LIES) {
  Deno.test(`Pool settles each call once when a worker ${name}`, async () => {
    await using host = new LyingHost(silent, lie);
    await using pool = new Pool({
      workers: 1,
      hosts: [host.spec],
      maxRestarts: 0,
      prefetch: 8,
    });
    await pool.ready;
    const calls = ITEMS.map((x) => pool.run((x: number) => x, x));
    const outcomes = await within(Promise.allSettled(calls));
    const wrong = outcomes.filter((outcome, x) =>
      outcome.status === "fulfilled"
        ? outcome.value !== x && outcome.value !== -1
        : !(outcome.reason instanceof WorkerLostError)
    );
    assertEquals(wrong, []);
    assertEquals(await within(pool.run(() => "honest")), "honest");
    const { queued, running } = pool.stats();
    assertEquals([queued, running], [0, 0]);
  });
}

/** Lies about a chunk of 12 items. */
const CUTS: readonly [name: string, lie: Lie][] = [
  ["keeps more items than it has", says((id) => [RECALLED, [id, 1, 13]])],
  ["keeps as many items as it has", says((id) => [RECALLED, [id, 1, 12]])],
  [
    "cuts a chunk and answers all of it",
    says(
      (id) => [RECALLED, [id, 1, 5]],
      (id) => [CHUNK_RESULTS, id, 1, ITEMS.slice(0, 12)],
    ),
  ],
  [
    "cuts a chunk twice at once",
    says((id) => [RECALLED, [id, 1, 3, id, 1, 5]]),
  ],
  [
    "cuts a chunk and gives it back",
    says((id) => [RECALLED, [id, 1, 0, id, 1, 5]]),
  ],
  [
    "gives back a chunk and cuts it",
    says((id) => [RECALLED, [id, 1, 5, id, 1, 0]]),
  ],
];

for (const [name, lie] of CUTS) {
  Deno.test(`Pool.map() ends when a worker ${name}`, async () => {
    await using host = new LyingHost(silent, lie);
    await using pool = new Pool({
      workers: 1,
      hosts: [host.spec],
      maxRestarts: 0,
    });
    await pool.ready;
    const map = pool.map((x: number) => x, ITEMS, { chunkSize: 12 }).toArray();
    const [outcome] = await within(Promise.allSettled([map]));
    if (outcome.status === "fulfilled") assertEquals(outcome.value, ITEMS);
    else assertEquals(outcome.reason instanceof WorkerLostError, true);
    assertEquals(await within(pool.run(() => "honest")), "honest");
    const { queued, running } = pool.stats();
    assertEquals([queued, running], [0, 0]);
  });
}
