import { isCount, type WorkerPlace } from "../../src/options/place.ts";
import { HostTally } from "../../src/scheduling/host_tally.ts";
import type { Ledger } from "./ledger.ts";
import type { TrialWorker } from "./trial_worker.ts";
import type { Work } from "./work.ts";

/** A host with one machine, whose workers share its resources. */
export class Machine {
  readonly tally: HostTally;
  /** The workers that aren't gone. */
  readonly workers = new Set<TrialWorker>();
  readonly place: WorkerPlace;
  readonly #ledger: Ledger;

  constructor(
    readonly host: string,
    resources: Readonly<Record<string, number>>,
    ledger: Ledger,
  ) {
    this.tally = new HostTally(host);
    this.place = { labels: {}, resources };
    this.#ledger = ledger;
  }

  /** Checks that its calls have resources, and none has those of another. */
  checkGrants(): void {
    const uses = new Map<string, number>();
    for (const { granted } of this.workers) {
      for (const [work, grant] of granted) {
        for (const [name, amount] of work.terms.placement?.needs ?? []) {
          const given = grant?.[name];
          const total = this.place.resources[name]!;
          if (given === undefined) this.#fault(`${work.label} has no ${name}`);
          else if (typeof given === "number") add(uses, name, given / total);
          else {
            const share = Math.min(1, amount);
            for (const unit of given) add(uses, `${name} ${unit}`, share);
            const units = isCount(total) ? Math.ceil(amount) : 0;
            if (given.length !== units) {
              this.#fault(`${work.label} has ${given.length} of ${name}`);
            }
          }
        }
      }
    }
    for (const [name, share] of uses) {
      if (share > 1 + 1e-6) this.#fault(`${share} of ${name} is in use`);
    }
  }

  /** Checks that work may run here. */
  checkPlacement({ label, terms: { placement } }: Work): void {
    const fits = placement?.matches(this.host, this.place) ?? true;
    if (!fits) this.#fault(`${label} may not run here`);
  }

  #fault(fault: string): void {
    this.#ledger.faults.push(`${this.host}: ${fault}`);
  }
}

function add(uses: Map<string, number>, name: string, share: number): void {
  uses.set(name, (uses.get(name) ?? 0) + share);
}
