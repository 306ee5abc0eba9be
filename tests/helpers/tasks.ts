/** Tasks that the tests import by URL. */

export default function (): string {
  return "the default export";
}

export function greet(name: string): string {
  return `Hello, ${name}`;
}

export function join(...words: string[]): string {
  return words.join(" ");
}

/** Returns its argument, small ones later than large ones. */
export async function later(x: number): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 5 - x % 5));
  return x;
}

class RichError extends TypeError {
  override name = "RichError";
  code = { deep: [1, 2] };
}

export function failRichly(): never {
  throw new RichError("too rich", {
    cause: new Deno.errors.NotFound("the cause"),
  });
}

/** Not a task, because it isn't a function. */
export const notAFunction = 42;
