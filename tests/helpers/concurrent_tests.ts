/** Tests that run at the same time, as most of their time is spent waiting. */
export class ConcurrentTests {
  readonly #tests: [name: string, body: () => Promise<void>][] = [];

  /** Declares a test, like `Deno.test`. */
  readonly declare = (name: string, body: () => Promise<void>): void => {
    this.#tests.push([name, body]);
  };

  /**
   * Runs the tests as steps of one test. Only the whole is checked for leaks.
   *
   * @param jobs How many run at the same time.
   */
  async run(context: Deno.TestContext, jobs: number): Promise<void> {
    const left = this.#tests.values();
    const isChecked = false;
    await Promise.all(Array.from({ length: jobs }, async () => {
      for (const [name, fn] of left) {
        await context.step({
          name,
          fn,
          sanitizeOps: isChecked,
          sanitizeResources: isChecked,
          sanitizeExit: isChecked,
        });
      }
    }));
  }
}
