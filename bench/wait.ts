/**
 * A task: waits that many milliseconds and uses almost no CPU, so more workers
 * than cores can do it at the same time.
 *
 * A timer fires up to 2 ms late, so the rest is waited for without one. The
 * last tenth of a millisecond is spent in a loop.
 */
export function wait(ms: number): Promise<void> | void {
  if (ms === 0) return;
  const end = performance.now() + ms;
  const finish = () => {
    const cell = new Int32Array(new SharedArrayBuffer(4));
    const left = end - performance.now();
    if (left > 0.1) Atomics.wait(cell, 0, 0, left - 0.1);
    while (performance.now() < end);
  };
  if (ms < 3) return finish();
  return new Promise<void>((resolve) => setTimeout(resolve, ms - 2))
    .then(finish);
}

/** The same task, but it blocks its worker. */
export function block(ms: number): void {
  if (ms === 0) return;
  const end = performance.now() + ms;
  const cell = new Int32Array(new SharedArrayBuffer(4));
  if (ms > 0.1) Atomics.wait(cell, 0, 0, ms - 0.1);
  while (performance.now() < end);
}

/**
 * A task that blocks its worker; the first run of one item takes longer.
 *
 * @param path A file that this run removes.
 */
export function straggle(
  path: string,
  straggler: number,
  ms: number,
  factor: number,
  item: number,
): void {
  const isFirst = () => {
    try {
      Deno.removeSync(path);
      return true;
    } catch {
      return false;
    }
  };
  const length = item === straggler && isFirst() ? ms * factor : ms;
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, length);
}
