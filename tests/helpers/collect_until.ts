import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Collects garbage until a condition holds, or gives up. */
export async function collectUntil(isDone: () => boolean): Promise<void> {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  for (let turn = 0; turn < 100 && !isDone(); turn++) {
    // Until the turn ends, what a WeakRef has returned isn't collected.
    await new Promise((resolve) => setTimeout(resolve, 0));
    collect();
  }
}
