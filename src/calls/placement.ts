import { hasEver, type WorkerPlace } from "../options/place.ts";
import { formatAmount } from "../util/parse_amount.ts";

/** Where calls may run, and what they need there. */
export interface PlacementTerms {
  /** The host where they must run. */
  readonly host?: string | undefined;
  /** The labels that the worker's machine must have. */
  readonly where?: Readonly<Record<string, string>> | undefined;
  /** The amounts that each call takes. */
  readonly resources?: Readonly<Record<string, number>> | undefined;
  /** Whether they wait if no worker could run them. */
  readonly mayWait?: boolean | undefined;
  /** Whether they have keys, so that only one worker gets each. */
  readonly isKeyed?: boolean | undefined;
}

/** An amount that a call takes. */
export type Need = readonly [resource: string, amount: number];

/** The placements in use, by their terms. */
const known = new Map<string, WeakRef<Placement>>();
const forgotten = new FinalizationRegistry((key: string) => {
  if (known.get(key)?.deref() === undefined) known.delete(key);
});

/**
 * Where calls may run. Calls with equal terms have the same placement; calls
 * that may run anywhere have none, and cost nothing more.
 */
export class Placement {
  /** The host where the calls must run, if it matters. */
  readonly host: string | undefined;
  /** What each call takes; `undefined` if it takes nothing. */
  readonly needs: readonly Need[] | undefined;
  /** Whether the calls wait if no worker could run them. */
  readonly mayWait: boolean;
  /** Whether the calls have keys, so that only one worker gets each. */
  readonly isKeyed: boolean;
  readonly #where: readonly (readonly [name: string, value: string])[];

  private constructor(
    host: string | undefined,
    where: readonly (readonly [name: string, value: string])[],
    needs: readonly Need[],
    mayWait: boolean,
    isKeyed: boolean,
  ) {
    this.host = host;
    this.#where = where;
    this.needs = needs.length === 0 ? undefined : needs;
    this.mayWait = mayWait;
    this.isKeyed = isKeyed;
  }

  /** Returns the placement with these terms; `undefined` if there are none. */
  static of(
    {
      host,
      where = {},
      resources = {},
      mayWait = false,
      isKeyed = false,
    }: PlacementTerms,
  ): Placement | undefined {
    const labels = Object.entries(where).toSorted(byName);
    const needs = Object.entries(resources).filter(([, amount]) => amount > 0)
      .toSorted(byName);
    const isAnywhere = host === undefined &&
      labels.length + needs.length === 0;
    if (isAnywhere && !isKeyed) return undefined;
    const key = JSON.stringify([host ?? null, labels, needs, mayWait, isKeyed]);
    const before = known.get(key)?.deref();
    if (before !== undefined) return before;
    const placement = new Placement(host, labels, needs, mayWait, isKeyed);
    known.set(key, new WeakRef(placement));
    forgotten.register(placement, key);
    return placement;
  }

  /** Whether only the host matters. */
  get isHostOnly(): boolean {
    return this.#where.length === 0 && this.needs === undefined;
  }

  /** Whether the calls may run at any worker. */
  get isAnywhere(): boolean {
    return this.host === undefined && this.isHostOnly;
  }

  /**
   * Returns whether a worker could run the calls while it has no others.
   *
   * @param host The name of its host.
   * @param place Its machine.
   */
  matches(host: string, { labels, resources }: WorkerPlace): boolean {
    if (this.host !== undefined && this.host !== host) return false;
    for (const [name, value] of this.#where) {
      if (!Object.hasOwn(labels, name) || labels[name] !== value) return false;
    }
    for (const [name, amount] of this.needs ?? []) {
      if (!hasEver(resources, name, amount)) return false;
    }
    return true;
  }

  /** Describes what the calls ask for, such as `gpu: 2, region: "eu"`. */
  toString(): string {
    return [
      ...(this.host === undefined ? [] : [`the host '${this.host}'`]),
      ...(this.needs ?? []).map(([name, amount]) =>
        `${name}: ${formatAmount(amount)}`
      ),
      ...this.#where.map(([name, value]) => `${name}: ${Deno.inspect(value)}`),
    ].join(", ");
  }
}

function byName([one]: readonly unknown[], [other]: readonly unknown[]) {
  return (one as string) < (other as string) ? -1 : 1;
}
