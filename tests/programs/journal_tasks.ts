/** Leaves a number in a file, and returns twice that; some numbers may fail. */
export function answer(effects: string, mayFail: boolean, x: number): number {
  Deno.writeTextFileSync(effects, `${x}\n`, { append: true });
  if (mayFail && x % 1_000 === 7) throw new RangeError(`no ${x}`);
  return x * 2;
}
