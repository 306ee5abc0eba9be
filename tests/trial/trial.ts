import { Scheduler } from "../../src/scheduling/scheduler.ts";
import { SharedPace } from "../../src/scheduling/shared_pace.ts";
import { KeepAlive } from "../../src/util/keep_alive.ts";
import { Random } from "../helpers/random.ts";
import { TrialBarriers } from "./barriers.ts";
import { TrialCalls } from "./calls.ts";
import { Clock } from "./clock.ts";
import { Ledger } from "./ledger.ts";
import { TrialMaps } from "./maps.ts";
import { TrialWorkers } from "./workers.ts";

/** How many random things happen in a trial. */
const STEPS = 60;

/** How many times all workers may answer until all work must have ended. */
const MOST_ROUNDS = 500;

/**
 * Runs a scheduler with workers, calls, maps and barriers that come, fail and
 * end at random, in fake time.
 *
 * @param seed Determines all that happens.
 * @returns The labels of all that workers got, in this order.
 * @throws {Error} If the scheduler breaks a promise; the message has the seed.
 */
export async function trial(seed: number): Promise<string[]> {
  using clock = new Clock();
  using run = new Trial(new Random(seed), clock);
  const { faults } = run.ledger;
  try {
    await run.start();
    for (let step = 0; step < STEPS && faults.length === 0; step++) {
      await run.step();
    }
    if (faults.length === 0) await run.finish();
  } catch (error) {
    faults.push(Deno.inspect(error));
  }
  if (faults.length === 0) return run.ledger.history;
  throw new Error(
    [`Trial with seed ${seed}:`, ...faults.slice(0, 9), ...run.describe()]
      .join("\n"),
  );
}

/** One run of a scheduler. */
class Trial implements Disposable {
  readonly ledger = new Ledger();
  readonly #random: Random;
  readonly #clock: Clock;
  readonly #keepAlive = new KeepAlive();
  readonly #scheduler: Scheduler;
  readonly #workers: TrialWorkers;
  readonly #calls: TrialCalls;
  readonly #maps: TrialMaps;
  readonly #barriers: TrialBarriers;

  constructor(random: Random, clock: Clock) {
    this.#random = random;
    this.#clock = clock;
    const isLimited = random.below(2) === 0;
    const room = random.pick([1, 1, 2, 4]);
    const scheduler = new Scheduler(
      this.#keepAlive,
      {
        lost: (handle, loss) => this.#workers.lost(handle, loss),
        expects: () => true,
        hostError: () => undefined,
      },
      new SharedPace(),
      random.pick([Infinity, 0, 3]),
      isLimited,
    );
    const { ledger } = this;
    this.#scheduler = scheduler;
    this.#calls = new TrialCalls(random, scheduler, ledger);
    this.#maps = new TrialMaps(random, scheduler, ledger);
    this.#barriers = new TrialBarriers(random, scheduler, ledger, this.#calls);
    this.#workers = new TrialWorkers(random, scheduler, ledger, {
      room,
      isLimited,
      arrived: (work) =>
        this.#barriers.checkArrival(work, this.#workers.machines),
    });
  }

  /** Adds a worker to each host. */
  async start(): Promise<void> {
    await this.#workers.add("a");
    await this.#workers.add("b");
  }

  /** Does something, and perhaps waits until nothing more follows. */
  async step(): Promise<void> {
    await this.#act();
    if (this.#random.below(4) > 0) await this.#pass(0);
    await this.#workers.replace();
  }

  /** Lets the workers answer until all work has ended. */
  async finish(): Promise<void> {
    const { faults } = this.ledger;
    for (let round = 0; !this.#isDone; round++) {
      this.ledger.check(round < MOST_ROUNDS, () => "Work waits for ever");
      if (faults.length > 0) return;
      await this.#workers.finish();
      await this.#pass(10);
      await this.#workers.replace();
    }
    await this.#pass(0);
    this.#workers.checkIdle();
    const { isIdle, queued, waitingWork } = this.#scheduler;
    this.ledger.check(
      isIdle && queued + waitingWork.length === 0,
      () => `The scheduler isn't idle: ${Deno.inspect(waitingWork)}`,
    );
  }

  /** Describes the work that hasn't ended, and the workers. */
  describe(): string[] {
    return [this.#calls, this.#maps, this.#barriers, this.#workers]
      .flatMap((part) => part.describe());
  }

  [Symbol.dispose](): void {
    for (const worker of this.#workers.all) worker.end();
    this.#keepAlive.close();
  }

  get #isDone(): boolean {
    return this.#calls.areDone && this.#maps.areDone &&
      this.#barriers.areDone && this.#scheduler.pending === 0;
  }

  async #act(): Promise<void> {
    const random = this.#random;
    switch (random.below(18)) {
      case 0:
      case 1:
      case 2:
      case 3:
        for (let count = random.below(3); count >= 0; count--) {
          this.#calls.submit();
          if (random.below(3) === 0) this.#calls.awaitRoom();
        }
        return;
      case 4:
      case 5:
        return this.#maps.begin();
      case 6:
        return this.#barriers.begin();
      case 7:
        return this.#calls.cancel();
      case 8:
        return await this.#workers.addAny();
      case 9:
        return await this.#workers.addDue();
      case 10:
        return this.#workers.lose();
      case 11:
        return this.#workers.drain();
      case 12:
        return await this.#pass(random.pick([1, 20, 500, 500, 70_000]));
      default:
        return this.#workers.answer(random.below(4) > 0);
    }
  }

  /** Lets time pass, and checks the outcome. */
  async #pass(milliseconds: number): Promise<void> {
    this.ledger.messages = 0;
    await this.#clock.pass(milliseconds);
    this.#calls.check();
    this.#maps.check();
    this.ledger.arrivals = [];
    const due = this.#calls.due;
    if (due.length === 0) return;
    // Nothing seems to keep them, so they were forgotten if that sends them.
    this.#scheduler.wake();
    await this.#clock.pass(0);
    for (const { label } of due.filter(({ running }) => running > 0)) {
      this.ledger.faults.push(
        `${label} was forgotten until something happened`,
      );
    }
  }
}
