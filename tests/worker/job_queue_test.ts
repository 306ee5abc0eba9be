import { assert, assertEquals } from "@std/assert";
import { ResultMode } from "../../src/protocol/worker_messages.ts";
import { callId, ChunkProgress, type Job } from "../../src/worker/job.ts";
import { JobQueue } from "../../src/worker/job_queue.ts";
import type { LoadedTask } from "../../src/worker/task_table.ts";
import { Random } from "../helpers/random.ts";

const ROUNDS = 3_000;
const STEPS = 60;

/** A queue that the test drives as an executor does, and what became of each item. */
class Model {
  readonly queue = new JobQueue();
  /** The fate of each item, by the id of its call, and by its index in a chunk. */
  readonly fates = new Map<string, string>();
  /** The ids of calls and chunks that have ended or were given back. */
  readonly #jobs = new Map<number, Job>();
  #nextId: number;

  constructor(firstId: number) {
    this.#nextId = firstId;
  }

  get ids(): number[] {
    return [...this.#jobs.keys()];
  }

  push(count: number, isChunk: boolean): void {
    const job: Job = {
      task: {} as LoadedTask,
      id: this.#nextId,
      items: Array.from({ length: count }, (_, index) => index),
      spread: false,
      mode: ResultMode.VALUE,
      next: 0,
      chunk: isChunk ? new ChunkProgress(count) : undefined,
      announced: undefined,
    };
    for (let index = 0; index < count; index++) {
      this.fates.set(key(job, index), "waiting");
      this.#jobs.set(callId(job, index), job);
    }
    this.#nextId += isChunk ? 1 : count;
    this.queue.push(job);
  }

  /** Begins the next item, as an executor does. */
  begin(): void {
    const job = this.queue.peek();
    if (job === undefined) return;
    if (job.next === 0 && this.queue.takeCancelledJob(job)) {
      return this.queue.shift();
    }
    const index = job.next++;
    const isCancelled = this.queue.takeCancelled(callId(job, index));
    if (isCancelled && job.chunk !== undefined) {
      // The rest of the chunk is skipped.
      job.next = job.items.length;
    } else if (!isCancelled) this.#decide(job, index, "begun");
    if (job.next === job.items.length) this.queue.shift();
  }

  cancel(id: number): void {
    const job = this.#jobs.get(id)!;
    const isAnswered = this.queue.cancel(id);
    if (job.chunk === undefined) {
      if (isAnswered) this.#decide(job, id - job.id, "cancelled");
      return;
    }
    const isWaiting = job.next === 0 &&
      this.fates.get(key(job, 0)) === "waiting";
    assertEquals(isAnswered, isWaiting);
    for (let index = 0; index < job.items.length; index++) {
      if (this.fates.get(key(job, index)) !== "waiting") continue;
      this.#decide(job, index, "cancelled");
    }
  }

  giveBack(parts: number, keep: number, mayCut: boolean): void {
    for (
      const { id, calls, kept } of this.queue.giveBack(parts, keep, mayCut)
    ) {
      for (let next = id; next < id + calls; next++) {
        const job = this.#jobs.get(next)!;
        if (job.chunk === undefined) {
          this.#decide(job, next - job.id, "given back");
          continue;
        }
        assert(mayCut || kept === 0 || job.next === 0);
        assert(kept >= job.next);
        for (let index = kept; this.fates.has(key(job, index)); index++) {
          if (this.fates.get(key(job, index)) === "given back") continue;
          this.#decide(job, index, "given back");
        }
      }
    }
  }

  /** How many items wait. */
  get waiting(): number {
    return this.fates.values().filter((fate) => fate === "waiting").toArray()
      .length;
  }

  #decide(job: Job, index: number, fate: string): void {
    assertEquals(this.fates.get(key(job, index)), "waiting", fate);
    this.fates.set(key(job, index), fate);
  }
}

function key(job: Job, index: number): string {
  return `${job.id} ${index}`;
}

function step(model: Model, random: Random): void {
  switch (random.below(6)) {
    case 0:
      return model.push(1 + random.below(5), random.below(2) === 0);
    case 1:
    case 2:
      return model.begin();
    case 3:
      if (model.ids.length > 0) {
        model.cancel(random.pick(model.ids as [number, ...number[]]));
      }
      return;
    case 4:
      return model.giveBack(
        random.below(4),
        random.below(3),
        random.below(2) === 0,
      );
  }
}

Deno.test("JobQueue begins, cancels or gives back each item once", () => {
  for (let seed = 0; seed < ROUNDS; seed++) {
    const random = new Random(seed);
    const model = new Model(random.below(3));
    for (let count = random.below(STEPS); count > 0; count--) {
      step(model, random);
    }
    if (random.below(2) === 0) model.giveBack(0, 0, true);
    while (model.queue.length > 0) model.begin();
    assertEquals(model.waiting, 0, `seed ${seed}`);
    // It would never forget these.
    const left = model.ids.filter((id) => model.queue.takeCancelled(id));
    assertEquals(left, [], `seed ${seed}`);
  }
});
