import type { StepReport } from "./report.ts";

/** The steps of a check and their results. */
export class StepList {
  readonly #steps: StepReport[];

  /** Constructs a list of steps that haven't run. */
  constructor(names: readonly string[]) {
    this.#steps = names.map((name) => ({ name, ok: null, detail: "" }));
  }

  /** All steps, in their order. */
  get steps(): readonly StepReport[] {
    return this.#steps;
  }

  /** Whether all steps passed. */
  get ok(): boolean {
    return this.#steps.every(({ ok }) => ok === true);
  }

  /** Records that a step passed. */
  pass(name: string, detail: string, hint?: string): void {
    this.#set(name, true, detail, hint);
  }

  /** Records that a step failed. */
  fail(name: string, detail: string, hint?: string): void {
    this.#set(name, false, detail, hint);
  }

  #set(name: string, ok: boolean, detail: string, hint?: string): void {
    const step = { name, ok, detail, ...(hint === undefined ? {} : { hint }) };
    const index = this.#steps.findIndex((step) => step.name === name);
    // A step that isn't in the list comes first.
    if (index < 0) this.#steps.unshift(step);
    else this.#steps[index] = step;
  }
}
