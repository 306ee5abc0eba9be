/** The tasks of the storm, of which all answers are known. */

/** The answer to `x`, which is another one for each 32-bit integer. */
export function answer(x: number): number {
  return (Math.imul(x, 0x9e37_79b1) ^ 0x5bd1_e995) >>> 0;
}

/** The answer, some time later. */
export async function answerLater(x: number, ms: number): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return answer(x);
}

/** The answer, in the next turn. */
export async function answerSoon(x: number): Promise<number> {
  await Promise.resolve();
  return answer(x);
}

/** The answer to two numbers. */
export function answerTwo(x: number, y: number): number {
  return answer(x ^ y);
}

/** As many bytes, all of them the answer to those that are given. */
export function answerBytes(bytes: Uint8Array): Uint8Array {
  const [first] = bytes;
  if (bytes.some((byte) => byte !== first)) throw new Error("damaged bytes");
  return new Uint8Array(bytes.length).fill(answer(first!));
}

/** Fails for odd numbers. */
export function answerEven(x: number): number {
  if (x % 2 !== 0) throw new RangeError(`${x} is odd`);
  return answer(x);
}

/** Notes in a folder that it has begun, once for each time. */
export function answerNoted(folder: string, x: number): number {
  Deno.writeTextFileSync(`${folder}/${Deno.pid}`, `${x}\n`, { append: true });
  return answer(x);
}

/** The same, taking a while. */
export async function answerNotedLater(
  folder: string,
  x: number,
): Promise<number> {
  answerNoted(folder, x);
  return await answerLater(x, 0);
}

/** Notes that it has begun, and never returns. */
export function noteAndHang(folder: string, x: number): never {
  answerNoted(folder, x);
  for (;;);
}

/** Ends its worker. */
export function exit(folder: string, x: number): number {
  answerNoted(folder, x);
  Deno.exit(x % 100);
}

/** Ends its worker, if it is to. */
export function exitIf(folder: string, x: number, fatal: boolean): number {
  return fatal ? exit(folder, x) : answer(x);
}

/** Ends its worker the first time that it is called, if it is to. */
export function exitOnce(folder: string, x: number, fatal: boolean): number {
  if (fatal && isFirst(`${folder}/once-${x}`)) Deno.exit(x % 100);
  return answer(x);
}

/** Never returns, if it is to. */
export function hang(x: number, how: "" | "sync" | "async"): unknown {
  if (how === "") return answer(x);
  if (how === "async") return new Promise(() => {});
  for (;;);
}

function isFirst(path: string): boolean {
  try {
    Deno.openSync(path, { write: true, createNew: true }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return false;
    throw error;
  }
}
