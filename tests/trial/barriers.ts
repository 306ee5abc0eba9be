import { CallKind } from "../../src/calls/call_kind.ts";
import { PromisedCall } from "../../src/calls/promised_call.ts";
import type { Scheduler } from "../../src/scheduling/scheduler.ts";
import { at, TASK } from "../helpers/fake_worker.ts";
import type { Random } from "../helpers/random.ts";
import type { TrialCalls } from "./calls.ts";
import type { Ledger } from "./ledger.ts";
import type { Machine } from "./machine.ts";
import type { Work } from "./work.ts";

/** How many barriers may wait at a time. */
const MOST = 4;

/** Something that runs on all workers, while nothing else runs. */
interface Barrier {
  /** How many calls were submitted before. */
  readonly number: number;
  /** Its calls, once it has begun. */
  readonly calls: Map<Work, PromisedCall<unknown>>;
}

/** The calls of a trial to all workers. */
export class TrialBarriers {
  readonly #random: Random;
  readonly #scheduler: Scheduler;
  readonly #ledger: Ledger;
  readonly #calls: TrialCalls;
  readonly #pending = new Set<Barrier>();

  constructor(
    random: Random,
    scheduler: Scheduler,
    ledger: Ledger,
    calls: TrialCalls,
  ) {
    this.#random = random;
    this.#scheduler = scheduler;
    this.#ledger = ledger;
    this.#calls = calls;
  }

  /** Whether all of them have ended. */
  get areDone(): boolean {
    return this.#pending.size === 0;
  }

  /** Calls all workers, or those of a host, unless many such calls wait. */
  begin(): void {
    if (this.#pending.size >= MOST) return;
    const placement = at(this.#random.pick([undefined, "a"]));
    const terms = { placement, retries: 0, group: {}, pinned: true };
    const { number } = this.#ledger.add("barrier", terms);
    const barrier: Barrier = { number, calls: new Map() };
    this.#pending.add(barrier);
    const makeCall = () => {
      if (barrier.calls.size === 0) this.#checkBegin(barrier);
      const work = this.#ledger.add("part", { ...terms, isBarrier: true });
      const kind = new CallKind(TASK, terms, undefined, true);
      const call = new PromisedCall<unknown>(kind, work.label, undefined);
      this.#ledger.link(call, work);
      barrier.calls.set(work, call);
      return call;
    };
    this.#scheduler.submitToAll(makeCall, placement)
      .catch(() => {})
      // If one has failed, others may still run.
      .then(() => Promise.allSettled(outcomes(barrier)))
      .then(() => this.#pending.delete(barrier));
  }

  /** Checks that work which has arrived runs beside no others that mustn't. */
  checkArrival(arrived: readonly Work[], machines: readonly Machine[]): void {
    const [first] = arrived as [Work];
    const own = [...this.#pending].find(({ calls }) => calls.has(first));
    for (const { workers } of machines) {
      for (const { work } of workers) {
        for (const other of work) {
          const mayRun = own?.calls.has(other) ?? !other.terms.isBarrier;
          this.#ledger.check(
            mayRun,
            () => `${first.label} runs beside ${other.label}`,
          );
        }
      }
    }
    if (own !== undefined || first.terms.isItem) return;
    for (const barrier of this.#pending) {
      this.#ledger.check(
        barrier.number > first.number || isOver(barrier),
        () => `${first.label} overtakes barrier ${barrier.number}`,
      );
    }
  }

  /** Describes those that haven't ended. */
  describe(): string[] {
    return [...this.#pending].map(({ number, calls }) =>
      `barrier ${number} of ${calls.size} calls`
    );
  }

  #checkBegin({ number }: Barrier): void {
    const before = this.#calls.before(number);
    this.#ledger.check(
      before.length === 0,
      () => `barrier ${number} begins before ${before}`,
    );
  }
}

function outcomes({ calls }: Barrier): Promise<unknown>[] {
  return [...calls.values()].map(({ promise }) => promise);
}

/** Whether all its calls have ended, though nobody may know it yet. */
function isOver({ calls }: Barrier): boolean {
  return calls.size > 0 &&
    calls.values().every(({ state }) => state === "settled");
}
