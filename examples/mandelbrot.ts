/**
 * Draws the Mandelbrot set, a row per task.
 *
 * Run it with `deno run -A examples/mandelbrot.ts`.
 *
 * @module
 */

import { bind, Pool } from "@distex/pool";

const VIEW = { left: -2.2, top: 1.2, width: 76, height: 31, step: 0.04 };

/** A point is in the set if z = z² + c stays small for this many rounds. */
const ROUNDS = 50_000;

/** Runs in the workers. Letters are high, so rows are two steps apart. */
function drawRow(view: typeof VIEW, rounds: number, row: number): string {
  const y = view.top - row * view.step * 2;
  const letters = Array.from({ length: view.width }, (_, column) => {
    const x = view.left + column * view.step;
    let real = 0, imaginary = 0, round = 0;
    while (round < rounds && real * real + imaginary * imaginary < 4) {
      [real, imaginary] = [
        real * real - imaginary * imaginary + x,
        2 * real * imaginary + y,
      ];
      round++;
    }
    return round === rounds ? "#" : " .:-=+*%"[Math.min(7, round >> 1)];
  });
  return letters.join("").trimEnd();
}

await using pool = new Pool();
// The view and the rounds are sent to each worker once.
const draw = bind(drawRow, VIEW, ROUNDS);
const rows = Array(VIEW.height).keys();
// Rows in the middle take the longest, but all arrive in order.
for await (const line of pool.map(draw, rows)) console.log(line);
