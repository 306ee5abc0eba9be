import type { StepReport } from "./report.ts";

/** The steps of a check, and what has become of them. */
export class StepList {
  readonly #steps: StepReport[];

  /** Constructs a list of steps that weren't reached yet. */
  constructor(names: readonly string[]) {
    this.#steps = names.map((name) => ({ name, ok: null, detail: "" }));
  }

  /** The steps, in their order. */
  get steps(): readonly StepReport[] {
    return this.#steps;
  }

  /** Whether all went well. */
  get ok(): boolean {
    return this.#steps.every(({ ok }) => ok === true);
  }

  /** Notes that a step went well. */
  pass(name: string, detail: string, hint?: string): void {
    this.#set(name, true, detail, hint);
  }

  /** Notes that a step failed. */
  fail(name: string, detail: string, hint?: string): void {
    this.#set(name, false, detail, hint);
  }

  #set(name: string, ok: boolean, detail: string, hint?: string): void {
    const step = { name, ok, detail, ...(hint === undefined ? {} : { hint }) };
    const index = this.#steps.findIndex((step) => step.name === name);
    // What isn't in the list comes before all that is.
    if (index < 0) this.#steps.unshift(step);
    else this.#steps[index] = step;
  }
}
