/** Tasks that tests debug. */

export function square(x: number): number {
  const result = { y: x * x };
  return result.y;
}
