/** Sets environment variables of this process until it is disposed of. */
export class Environment implements Disposable {
  readonly #before = new Map<string, string | undefined>();

  constructor(variables: Readonly<Record<string, string>>) {
    for (const [name, value] of Object.entries(variables)) {
      this.#before.set(name, Deno.env.get(name));
      Deno.env.set(name, value);
    }
  }

  [Symbol.dispose](): void {
    for (const [name, value] of this.#before) {
      if (value === undefined) Deno.env.delete(name);
      else Deno.env.set(name, value);
    }
  }
}
