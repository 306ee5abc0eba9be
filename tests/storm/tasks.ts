/** The tasks of the storm. All answers are known. */

/** Returns the answer to `x`; each 32-bit integer has its own. */
export function answer(x: number): number {
  return (Math.imul(x, 0x9e37_79b1) ^ 0x5bd1_e995) >>> 0;
}

/** Returns the answer after some time. */
export async function answerLater(x: number, ms: number): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return answer(x);
}

/** Returns the answer in the next turn. */
export async function answerSoon(x: number): Promise<number> {
  await Promise.resolve();
  return answer(x);
}

/** Returns the answer to two numbers. */
export function answerTwo(x: number, y: number): number {
  return answer(x ^ y);
}

/** Returns the same number of bytes, each the answer to the given ones. */
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

/** Adds a note to a folder each time it begins. */
export function answerNoted(folder: string, x: number): number {
  Deno.writeTextFileSync(`${folder}/${Deno.pid}`, `${x}\n`, { append: true });
  return answer(x);
}

/** Adds a note like the task above, asynchronously. */
export async function answerNotedLater(
  folder: string,
  x: number,
): Promise<number> {
  answerNoted(folder, x);
  return await answerLater(x, 0);
}

/** Notes that it begins, and returns after some time. */
export function answerPaced(
  folder: string,
  x: number,
  ms: number,
  how: "sync" | "async",
): number | Promise<number> {
  answerNoted(folder, x);
  if (how === "async" && ms > 0) return answerLater(x, ms);
  const end = performance.now() + ms;
  while (performance.now() < end);
  return answer(x);
}

/** Does the same, but takes a second the first time if it should straggle. */
export function answerStraggling(
  folder: string,
  x: number,
  straggles: boolean,
  how: "sync" | "async",
): number | Promise<number> {
  const isLong = straggles && isFirst(`${folder}/straggled-${x}`);
  return answerPaced(folder, x, isLong ? 1_000 : 0, how);
}

/** Notes that it begins, and never returns. */
export function noteAndHang(folder: string, x: number): never {
  answerNoted(folder, x);
  for (;;);
}

/**
 * Notes that it begins, and throws the first times: as many as `failures`, or
 * always if that is negative.
 */
export function answerFlaky(
  folder: string,
  x: number,
  failures: number,
): number {
  answerNoted(folder, x);
  if (failures < 0) throw new RangeError(`${x} throws`);
  for (let failure = 1; failure <= failures; failure++) {
    if (!isFirst(`${folder}/failed-${x}-${failure}`)) continue;
    throw new RangeError(`${x} throws`);
  }
  return answer(x);
}

/** Ends its worker. */
export function exit(folder: string, x: number): number {
  answerNoted(folder, x);
  Deno.exit(x % 100);
}

/** Ends its worker if `fatal`. */
export function exitIf(folder: string, x: number, fatal: boolean): number {
  return fatal ? exit(folder, x) : answer(x);
}

/** Ends its worker the first time it is called, if `fatal`. */
export function exitOnce(folder: string, x: number, fatal: boolean): number {
  if (fatal && isFirst(`${folder}/once-${x}`)) Deno.exit(x % 100);
  return answer(x);
}

/** Never returns, unless `how` is empty. */
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
