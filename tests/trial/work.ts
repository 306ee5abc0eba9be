import type { CallTerms } from "../../src/calls/call_kind.ts";

/** How a {@linkcode Work} may run. */
export interface WorkTerms extends CallTerms {
  /** Whether it may run at two workers at a time. */
  readonly speculate?: boolean;
  /** Whether it is a call that `runOnAll()` makes. */
  readonly isBarrier?: boolean;
  /** Whether it is an item of a map. */
  readonly isItem?: boolean;
}

/** A call or an item of a map, and how it has run so far. */
export class Work {
  /** How many workers run it now. */
  running = 0;
  /** How many times it has returned. */
  returned = 0;
  /** How many times it has thrown. */
  thrown = 0;
  /** How many times a worker was lost that ran it, or was about to. */
  lost = 0;
  /** How many times a worker has got it. */
  arrived = 0;
  /** Whether it runs again because its worker was lost. */
  isRerun = false;

  /**
   * Constructs one that hasn't run.
   *
   * @param label What workers get as its argument.
   * @param number How many calls were submitted before.
   */
  constructor(
    readonly label: string,
    readonly number: number,
    readonly terms: WorkTerms,
  ) {}

  get priority(): number {
    return this.terms.priority ?? 0;
  }

  /** Whether it must have a worker to itself. */
  get isIsolated(): boolean {
    return this.isRerun && !this.terms.isItem;
  }

  /** Its label and terms, in words. */
  get description(): string {
    const { placement, bucket, retries } = this.terms;
    const { host, needs = [] } = placement ?? {};
    const parts = [
      this.label,
      ...host === undefined ? [] : [`at ${host}`],
      ...needs.map(([name, amount]) => `with ${amount} ${name}`),
      ...bucket === undefined ? [] : [`of key ${bucket}`],
      `priority ${this.priority}`,
      `${retries} retries`,
      `${this.attempts} attempts`,
      `lost ${this.lost} times`,
      `thrown ${this.thrown} times`,
    ];
    return parts.join(", ");
  }

  /** How many times its task may throw until it fails. */
  get attempts(): number {
    return this.terms.retry?.attempts ?? 1;
  }

  /**
   * Takes note that a worker begins it.
   *
   * @returns Why it mustn't; `undefined` if it may.
   */
  begin(): string | undefined {
    this.running++;
    if (this.lost > this.terms.retries) return `was lost ${this.lost} times`;
    if (this.terms.speculate) return undefined;
    if (this.running > 1) return "runs already";
    if (this.returned > 0) return "has returned";
    if (this.thrown >= this.attempts) return `has thrown ${this.thrown} times`;
    return undefined;
  }

  /** Takes note that it returns or throws. */
  end(isReturn: boolean): void {
    this.running--;
    if (isReturn) this.returned++;
    else this.thrown++;
    this.isRerun = false;
  }
}
